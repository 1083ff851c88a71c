"""The pages and links of the application: what is accepted, and what a page shows."""

import asyncio
import dataclasses
import functools
import inspect
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException

from c2casgiutils._errors import C2cError
from c2casgiutils._tasks import Failure, contained
from c2casgiutils._threads import run_in_thread
from c2casgiutils.config._texts import check_printable

if TYPE_CHECKING:
    import jinja2

Level = Literal["read-only", "read-write", "admin"]
Loader = Callable[[], Mapping[str, Any] | Awaitable[Mapping[str, Any]]]

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MAX_TITLE_LENGTH = 60
_MAX_URL_LENGTH = 2000
_TIMEOUT_SECONDS = 5.0
_MAX_RUNS = 5
"""Maximum number of runs of a loader at the same time, those included that are no longer waited for."""


@dataclasses.dataclass(frozen=True)
class Link:
    """A link of the application in the row of links."""

    title: str
    url: str
    level: Level


class LoaderError(C2cError, HTTPException):
    """The data of a page cannot be shown; the detail says why."""

    def __init__(self, detail: str) -> None:
        HTTPException.__init__(self, 503, detail)


class Page:
    """A page of the application.

    Args:
        id: Its address below the mount.
        title: Its name in the row of links.
        loader: Returns what it shows; without arguments, sync or async.
        template: Shows it; without one it is shown as a table.
        level: Who may open it.
    """

    def __init__(
        self,
        id: str,  # noqa: A002  # its name
        title: str,
        loader: Loader,
        template: "jinja2.Template | None",
        level: Level,
    ) -> None:
        self.id, self.title, self.template = id, title, template
        self.level: Level = level
        self._loader = loader
        self._runs: set[asyncio.Task[Any]] = set()
        self._threads: set[object] = set()

    async def load(self) -> Mapping[str, Any]:
        """Return what the page shows.

        Raises:
            LoaderError: The loader failed, took too long, or returned something else.
            HTTPException: The loader raised it.
        """
        if len(self._runs) >= _MAX_RUNS or len(self._threads) >= _MAX_RUNS:
            raise LoaderError("The loader of this page still runs for others")
        run = asyncio.create_task(contained(self._call()), name=f"c2c-page-{self.id}")
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        try:
            await asyncio.wait({run}, timeout=_TIMEOUT_SECONDS)
        finally:
            is_late = not run.done()
            run.cancel()
        if is_late:
            raise LoaderError(f"The loader of this page did not return within {_TIMEOUT_SECONDS:g} s")
        found = Failure(asyncio.CancelledError()) if run.cancelled() else run.result()
        if isinstance(found, Failure):
            raise found.error if isinstance(found.error, Exception) else LoaderError("The loader ended")
        if not isinstance(found, Mapping):
            raise LoaderError(f"The loader of this page returned {type(found).__name__}, not a mapping")
        return found

    async def _call(self) -> Any:
        if inspect.iscoroutinefunction(self._loader):
            return await self._loader()
        token = object()
        self._threads.add(token)
        name, on_end = f"c2c-page-{self.id}", functools.partial(self._threads.discard, token)
        found = await run_in_thread(self._loader, name=name, on_end=on_end)
        return await found if inspect.isawaitable(found) else found


def check_id(id: str) -> str:  # noqa: A002  # the name of the parameter
    """Return the id of a page.

    Raises:
        ValueError: It is not valid.
    """
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise ValueError(
            f"id of a page must be of lower-case letters, digits, - and _, at most 64, not {str(id)[:100]!r}"
        )
    return id


def check_title(title: str) -> str:
    """Return a title.

    Raises:
        ValueError: It is empty, too long or not printable.
    """
    if not isinstance(title, str) or not title.strip():
        raise ValueError("title must be a text that is not empty")
    check_printable(title, "title", _MAX_TITLE_LENGTH)
    return title.strip()


def check_level(level: Level) -> Level:
    """Return a level.

    Raises:
        ValueError: There is no such level.
    """
    if level not in get_args(Level):
        raise ValueError(f"level must be one of {', '.join(get_args(Level))}, not {str(level)[:100]!r}")
    return level


def check_url(url: str) -> str:
    """Return the address of a link.

    Raises:
        ValueError: It is neither http(s) nor relative, or contains a password.
    """
    problem = "url must be http://…, https://…, or relative, as ../docs"
    if not isinstance(url, str) or not 0 < len(url) <= _MAX_URL_LENGTH:
        raise ValueError(problem)
    # browsers ignore blanks and take a backslash for a slash
    if not url.isprintable() or " " in url or "\\" in url:
        raise ValueError(f"{problem}, without blanks and backslashes")
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(problem) from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("url must not contain a user or a password: everybody who sees the page sees it")
    if has_host is not (parts.scheme in ("http", "https")) or (parts.scheme and not has_host):
        raise ValueError(problem)
    return url


def compile_template(path: "str | os.PathLike[str]", environment: "jinja2.Environment") -> "jinja2.Template":
    """Return a template of the application, which may extend and include ours, and others of its folder.

    Args:
        path: The absolute path of its file.
        environment: The environment of our templates.

    Raises:
        ValueError: There is no such file, or it is not a valid template.
    """
    import jinja2

    file = Path(path)
    if not file.is_absolute():
        raise ValueError(f"template must be an absolute path, as Path(__file__).with_name({file.name!r})")
    folder = jinja2.FileSystemLoader(file.parent)
    loaders = [loader for loader in (environment.loader, folder) if loader is not None]
    own = environment.overlay(loader=jinja2.ChoiceLoader(loaders))
    try:
        # from its folder, even if it has the name of one of ours
        return folder.load(own, file.name, own.make_globals(None))
    except jinja2.TemplateNotFound:
        raise ValueError(f"template {str(file)!r} does not exist") from None
    except (jinja2.TemplateSyntaxError, UnicodeDecodeError) as error:
        raise ValueError(f"template {str(file)!r} is not valid: {error}") from None
