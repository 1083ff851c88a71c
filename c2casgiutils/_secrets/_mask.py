"""What stands for a secret."""

MASK = "***"
