"""The lines of access logs, of all servers."""

import logging
from collections.abc import Mapping
from typing import NamedTuple

_UVICORN = "uvicorn.access"
_KEYS = {
    "granian.access": ("addr", "method", "path", "query_string", "status"),
    "gunicorn.access": ("h", "m", "U", "q", "s"),
    "hypercorn.access": ("h", "m", "U", "q", "s"),
}
"""Where the arguments hold the client, the method, the path, the query and the status, by logger."""
_WITH_PORT = frozenset({_UVICORN, "hypercorn.access"})


class Access(NamedTuple):
    """A request and its answer; `target` is the path with the query."""

    client: str
    method: str
    target: str
    status: int

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]


def access_of(record: logging.LogRecord) -> Access | None:
    """Return what a line of an access log says, `None` for other records."""
    if not record.name.endswith(".access"):
        return None
    if record.name == _UVICORN:
        match record.args:
            case (str(client), str(method), str(target), _, int(status)):
                return Access(client.rpartition(":")[0], method, target, status)
    elif record.name in _KEYS and isinstance(record.args, Mapping):
        return _from_mapping(record.name, record.args)
    return None


def _from_mapping(name: str, arguments: Mapping[str, object]) -> Access | None:
    client, method, path, query, status = (str(arguments.get(key) or "") for key in _KEYS[name])
    if not status.isdecimal():  # no answer was sent
        return None
    client = client.rpartition(":")[0] if name in _WITH_PORT else client
    return Access(client, method, f"{path}?{query}" if query else path, int(status))
