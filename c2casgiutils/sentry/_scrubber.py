"""Remove secrets from events before they are sent."""

import datetime
from collections.abc import Iterable
from typing import Any

from c2casgiutils._secrets import scrub, scrub_mapping

_MIN_LENGTH = 4
"""A shorter secret is not looked for in texts: it would hide ordinary words."""
_NOT_LOOKED_AT = {"modules", "sdk"}
_REQUEST = "request"


class Scrubber:
    """Hides secrets everywhere in an event: an `event_scrubber` of the SDK.

    Hidden are the given values wherever they stand, the values of keys that are named like a secret (also in
    lists of pairs, as raw headers are), and what a text shows to be one, in local variables too; personal
    data as the SDK does it.

    Args:
        values: Secrets that are hidden by their value.
        send_default_pii: Personal data such as addresses may leave; secrets never do.
    """

    def __init__(self, values: Iterable[str] = (), *, send_default_pii: bool = False) -> None:
        self._values = tuple(value for value in values if len(value) >= _MIN_LENGTH)
        self._send_default_pii = send_default_pii

    def scrub_event(self, event: Any) -> None:
        """Hide the secrets of an event, in place."""
        from sentry_sdk.scrubber import EventScrubber

        EventScrubber(recursive=True, send_default_pii=self._send_default_pii).scrub_event(event)
        for key in event.keys() - _NOT_LOOKED_AT:
            event[key] = scrub_mapping(
                event[key], self._values, sent=key == _REQUEST, represent=self._represented
            )

    def _represented(self, value: Any) -> Any:
        """Return what the SDK would show of the value, after us; it marks so what it removed itself."""
        if isinstance(value, datetime.datetime) or _is_removed(value):
            return value
        return scrub(_representation(value), self._values)


def _is_removed(value: Any) -> bool:
    """Return whether the SDK replaced the value."""
    # its own module is private, this one imports it (2.75)
    from sentry_sdk.scrubber import AnnotatedValue  # type: ignore[attr-defined]  # see above

    return isinstance(value, AnnotatedValue)


def _representation(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  # any object may fail so, the event must leave
        return f"<{type(value).__name__}>"
