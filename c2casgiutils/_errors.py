"""The base of all exceptions of this package."""


class C2cError(Exception):
    """Something that this package raises on purpose; `except c2casgiutils.C2cError` catches all of it."""
