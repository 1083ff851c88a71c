"""Real servers and processes for the tests, each owned and stopped by the one who started it."""
