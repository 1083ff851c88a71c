"""Which id a request has: that of its headers, else a new one."""

import os
import re
from collections.abc import Iterable

from c2casgiutils.request_tracking._traceparent import TraceParent, parse_traceparent

_TRACEPARENT = b"traceparent"
_HEADERS = (
    _TRACEPARENT,
    b"x-request-id",
    b"x-correlation-id",
    b"request-id",
    b"x-varnish",
    b"x-amzn-trace-id",
)
"""By precedence."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token, see RFC 9110, section 5.6.2."""
_ID = re.compile(rb"[ -~]{1,128}")
_BLANK = b" \t"
_BYTES = 16
_IDS_AT_ONCE = 64


class Reader:
    """Reads the id of a request, and its trace, from the headers.

    Args:
        header: Name of a header that precedes all others.
        trust: Whether the headers are read at all.

    Raises:
        ValueError: The name of the header is not valid.
    """

    def __init__(self, header: str | None, *, trust: bool) -> None:
        if header is not None and not _NAME.fullmatch(header):
            raise ValueError(f"header must be the name of a header such as X-Request-ID, not {header!r}")
        own = (header.lower().encode(),) if header is not None else ()
        names = dict.fromkeys((*own, *_HEADERS)) if trust else {}
        self._names = {name: number for number, name in enumerate(names)}
        self._new_id = _Ids().new

    def read(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, TraceParent | None]:
        """Return the id and the trace.

        A value that is not valid counts as absent; of a header that comes several times the first valid
        value counts.

        Args:
            headers: The raw headers of the scope.
        """
        names = self._names
        found = [header for header in headers if header[0] in names]
        if not found:
            return self._new_id(), None
        if len(found) > 1:
            found.sort(key=self._precedence)
        request_id: str | None = None
        traceparent: TraceParent | None = None
        for name, value in found:
            if name == _TRACEPARENT:
                traceparent = traceparent or parse_traceparent(value.decode("latin-1").strip())
                request_id = request_id or (traceparent and traceparent.trace_id)
            else:
                request_id = request_id or parse_id(value)
        return request_id or self._new_id(), traceparent

    def _precedence(self, header: tuple[bytes, bytes]) -> int:
        return self._names[header[0]]


class _Ids:
    """Makes random UUIDs (RFC 9562, section 5.4), in a fraction of the time that `uuid.uuid4` takes.

    The operating system is asked for the bytes of many at once, which takes as long as for those of one.
    """

    def __init__(self) -> None:
        self._unused: list[bytes] = []
        if hasattr(os, "register_at_fork"):  # only on Unix
            os.register_at_fork(after_in_child=self._unused.clear)  # they are those of the parent

    def new(self) -> str:
        """Return a new id."""
        try:
            random = self._unused.pop()  # atomic: an application may run in several threads
        except IndexError:
            read = os.urandom(_BYTES * _IDS_AT_ONCE)
            random, *rest = (read[at : at + _BYTES] for at in range(0, len(read), _BYTES))
            self._unused += rest
        digits, variant = random.hex(), "89ab"[random[8] % 4]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def parse_id(value: bytes) -> str | None:
    """Return an id without blanks at its ends; `None` unless it is 1 to 128 printable ASCII characters."""
    value = value.strip(_BLANK)
    return value.decode("ascii") if _ID.fullmatch(value) else None
