"""The built-in kinds of checks, one module each."""
