"""The operations side of a FastAPI application."""

__version__ = "1.0.0.dev0"
