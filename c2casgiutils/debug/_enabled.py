"""Where the costly diagnostics are switched on."""

from c2casgiutils import config
from c2casgiutils._errors import C2cError


class DisabledError(C2cError):
    """The costly diagnostics are switched off in this process."""


def check_enabled() -> None:
    """Raise if the costly diagnostics are switched off here, whatever the process that asks has.

    Raises:
        DisabledError: `C2C__DEBUG__ENABLED` is not set.
    """
    if not config.settings.debug.enabled:
        raise DisabledError("C2C__DEBUG__ENABLED is not set in this process")
