"""What a page does, as a curl command to copy."""

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.exceptions import HTTPException

from c2casgiutils import auth, config
from c2casgiutils._asgi import path_segment

_SECRET = '-H "X-API-Key: $C2C_SECRET"'  # noqa: S105  # the name of a variable
_TOKEN = '-H "Authorization: Bearer $GITHUB_TOKEN"'  # noqa: S105  # the name of a variable
_SESSION = '-H "Cookie: $C2C_COOKIE"'


class Curl:
    """Writes the commands of a page: `as_curl("drain", "POST", {"force": True})` in its template.

    The credential is a variable of the shell, never its value.

    Args:
        request: The request, whose URL the commands have, with forwarded headers applied.
        mode: How visitors sign in.
    """

    def __init__(self, request: Request, mode: str) -> None:
        try:
            self._base = auth.mount_url(request)
        except HTTPException:  # the host is not valid, and may be anything
            self._base = "https://example.com/"
        self._credential = _credential(mode)

    def __call__(
        self,
        path: str | None,
        method: str = "GET",
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> str:
        """Return a command.

        Args:
            path: The path below the mount, percent-encoded where necessary; `None` for one that no URL can
                have, which has no command.
            method: The method.
            body: The body, sent as JSON.
            query: The query; parameters that are `None` or empty are left out.
        """
        if path is None:
            return ""
        url = f"{self._base}{address(path, query)}"
        parts = ["curl"] if method == "GET" else ["curl", "-X", method]
        if self._credential:
            parts.append(self._credential)
        if body is not None:
            parts += ['-H "Content-Type: application/json"', "-d", shlex.quote(json.dumps(body))]
        return " ".join([*parts, shlex.quote(url)])


def logger_path(name: str) -> str | None:
    """Return the path of a logger below the mount; `None` if no URL can have the name."""
    segment = path_segment(name)
    return None if segment is None else f"logging/loggers/{segment}"


def address(path: str, query: Mapping[str, Any] | None = None) -> str:
    """Return a path with a query, without the parameters that are `None` or empty."""
    given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def twin(request: Request, path: str, names: Mapping[str, str]) -> str:
    """Return the address of the JSON of a view, with what the query of the view has, also what it refused.

    Args:
        request: The request for the view.
        path: The path of the JSON below the mount.
        names: The names of its query, and what they are called there.
    """
    return address(path, {of: request.query_params.get(own, "").strip() for own, of in names.items()})


def _credential(mode: str) -> str:
    if mode == "SECRET":
        return _SECRET
    if mode == "GITHUB":
        return _TOKEN if config.settings.auth.github.bearer else _SESSION
    return ""
