"""Masking of secrets in events before they are sent."""

import datetime
from collections.abc import Iterable
from typing import Any

from c2casgiutils._secrets import scrub, scrub_mapping

_MIN_LENGTH = 4
"""Shorter secrets are not searched for in texts, as they would mask ordinary words."""
_NOT_LOOKED_AT = {"modules", "sdk"}
_REQUEST = "request"


class Scrubber:
    """Masks secrets everywhere in an event: an `event_scrubber` for the SDK.

    It masks the given values wherever they occur, the values of keys that are named like a secret (also in
    lists of pairs, such as raw headers), and secrets recognised in texts, including local variables. Personal
    data is treated as by the SDK.

    Args:
        values: Secrets that are masked wherever they occur.
        send_default_pii: Send personal data such as IP addresses; secrets are never sent.
    """

    def __init__(self, values: Iterable[str] = (), *, send_default_pii: bool = False) -> None:
        self._values = tuple(value for value in values if len(value) >= _MIN_LENGTH)
        self._send_default_pii = send_default_pii

    def scrub_event(self, event: Any) -> None:
        """Mask the secrets of an event, in place."""
        from sentry_sdk.scrubber import EventScrubber

        EventScrubber(recursive=True, send_default_pii=self._send_default_pii).scrub_event(event)
        for key in event.keys() - _NOT_LOOKED_AT:
            event[key] = scrub_mapping(
                event[key], self._values, sent=key == _REQUEST, represent=self._represented
            )

    def _represented(self, value: Any) -> Any:
        """Return a value as the SDK would show it, with secrets masked."""
        if isinstance(value, datetime.datetime) or _is_removed(value):
            return value
        return scrub(_representation(value), self._values)


def _is_removed(value: Any) -> bool:
    """Return whether the SDK replaced the value."""
    # its own module is private, but this one imports it (2.75)
    from sentry_sdk.scrubber import AnnotatedValue  # type: ignore[attr-defined]  # see above

    return isinstance(value, AnnotatedValue)


def _representation(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  # any object may raise, but the event must be sent
        return f"<{type(value).__name__}>"
