"""The SQL profiler."""
