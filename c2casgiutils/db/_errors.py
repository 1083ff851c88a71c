"""What can go wrong before a database is reached."""

from c2casgiutils._errors import C2cError


class DatabaseConfigurationError(C2cError, ValueError):
    """A URL, a rule or an option of a database is wrong; the message says what is accepted."""


class MissingDriverError(C2cError, ModuleNotFoundError):
    """The driver of a database is not installed; the message names the extra."""


class ReplicaError(C2cError):
    """A replica answers, but must not be read from; the message says why."""
