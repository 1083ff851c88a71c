"""The demo application and its acceptance tests."""
