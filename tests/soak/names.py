"""What the application of the soak test and its load agree on."""

LOGGERS = ["soak.a", "soak.b", "soak.c"]
"""The loggers whose levels change all the time."""
LEVELS = 20_000
"""So many levels with names of their own, so that each change sets another value."""
