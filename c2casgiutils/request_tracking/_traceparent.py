"""The header `traceparent`, see https://www.w3.org/TR/trace-context/#traceparent-header."""

import re

_FORMAT = re.compile(r"([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_VERSION = "00"
_INVALID_VERSION = "ff"
_SAMPLED = 1


class TraceParent(str):
    """A valid value of version 00: `00-<trace id>-<span id>-<flags>`, all in lower-case hexadecimal."""

    __slots__ = ()

    @property
    def trace_id(self) -> str:
        """The id of the whole trace, 32 digits."""
        return self[3:35]

    @property
    def span_id(self) -> str:
        """The id of the caller's part of the trace, 16 digits."""
        return self[36:52]


def parse_traceparent(text: str) -> TraceParent | None:
    """Return the value of the header, `None` if it is invalid.

    What a later version adds is left out, as the standard asks of those who do not know it: version 00 with
    the same ids and, of the flags, only whether the caller records the trace.
    """
    match = _FORMAT.fullmatch(text)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == _VERSION:
        return TraceParent(text) if rest is None else None
    if version == _INVALID_VERSION:
        return None
    return TraceParent(f"{_VERSION}-{trace_id}-{span_id}-{int(flags, 16) & _SAMPLED:02x}")
