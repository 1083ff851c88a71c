"""The replacement for secrets."""

MASK = "***"
