"""The service of the orders, on FastAPI."""
