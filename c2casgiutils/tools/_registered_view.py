"""The pages and links that the application adds to ours, and the view of such a page."""

import contextlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from c2casgiutils import auth, config
from c2casgiutils._asgi import LEGACY_PATHS
from c2casgiutils._errors import text_of
from c2casgiutils._secrets import scrub, scrub_mapping
from c2casgiutils.tools import _legacy_paths, _pages, _registered
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._registered import Level, Link, Loader, LoaderError, Page
from c2casgiutils.tools._state import STATE
from c2casgiutils.tools._summary import Summary
from c2casgiutils.tools._views import View

if TYPE_CHECKING:
    import jinja2

_LOGGER = logging.getLogger(__name__)

_PREFIXES = frozenset({"auth", "db", "debug", "headers", "health", "logging", "static"})
_REQUIRE = {
    "read-only": auth.require_read_only_access,
    "read-write": auth.require_read_write_access,
    "admin": auth.require_admin_access,
}
_MAX_ROWS = 500
_MAX_TEXT_LENGTH = 2000
_MAX_REASON_LENGTH = 300
_ERRORS = range(400, 600)


def register_page(
    id: str,  # noqa: A002  # as the other views have it
    title: str,
    loader: Loader,
    template: str | os.PathLike[str] | None = None,
    level: Level = "read-only",
) -> None:
    """Add a page to the row of links of the operators' page.

    A loader that fails, or does not return within 5 s, shows a message on the page.

    Args:
        id: Its address below the mount, of lower-case letters, digits, `-` and `_`.
        title: Its name in the row of links.
        loader: Called without arguments whenever the page is opened; returns a mapping. A function that is
            not a coroutine function runs in a thread.
        template: Absolute path of a Jinja template that extends `page.html` and fills its block `view`; the
            items of the mapping are its variables, and the mapping is `data`. Without one, names and values
            are shown, with secrets masked.
        level: Who may open it: `read-only`, `read-write` or `admin`.

    Raises:
        ValueError: The id is not valid or taken, the title or the level is not valid, or the template does
            not exist or is not valid.
        TypeError: The loader is not callable.
    """
    if not callable(loader):
        raise TypeError(f"loader of the page {id!r} must be callable, not {type(loader).__name__}")
    id_ = _registered.check_id(id)
    if id_ in STATE.pages:
        raise ValueError(f"The id {id_!r} is taken by the page {STATE.pages[id_].title!r}")
    if _is_taken(id_):
        raise ValueError(f"The id {id_!r} is taken by an address of c2casgiutils")
    compiled = None
    if template is not None:
        compiled = _registered.compile_template(template, _pages.templates())
    STATE.pages[id_] = Page(
        id_, _registered.check_title(title), loader, compiled, _registered.check_level(level)
    )


def register_link(title: str, url: str, level: Level = "read-only") -> None:
    """Add a link to the row of links of the operators' page, after the registered pages.

    Args:
        title: Its name.
        url: `http://…`, `https://…`, or relative to the page, as `../docs`.
        level: Who sees it: `read-only`, `read-write` or `admin`.

    Raises:
        ValueError: The title, the address or the level is not valid, or there is a link with this title.
    """
    link = Link(_registered.check_title(title), _registered.check_url(url), _registered.check_level(level))
    if link.title in STATE.links:
        raise ValueError(f"There is a link with the title {link.title!r} already")
    STATE.links[link.title] = link


def _is_taken(id_: str) -> bool:
    """Return whether something of ours has this address, or begins with it."""
    from c2casgiutils import auth, health_checks, tools

    routes = [*health_checks.probe_routes(), *_legacy_paths.routes, *tools.documentation_router.routes]
    for router in (tools.router, tools.page_router, health_checks.mount_router, auth.router):
        routes += router.routes
    scopes = [
        {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": [], LEGACY_PATHS: True}
        for path in (f"/{id_}", f"/{id_}/")
    ]
    return id_ in _PREFIXES or any(
        route.matches(dict(scope))[0] is not Match.NONE for route in routes for scope in scopes
    )


class _PageRoute(Route):
    """Matches the addresses of registered pages, also of those that are registered later."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        if match is not Match.NONE and child_scope["path_params"]["page_id"] not in STATE.pages:
            return Match.NONE, {}
        return match, child_scope


async def _get_page(request: Request) -> Response:
    page = STATE.pages[request.path_params["page_id"]]
    if page.template is not None:
        return await _get_rendered(request, page, page.template)
    if request.query_params.get("format") == "json":
        return await _get_data(request, page)

    async def load(_: Caller, __: Summary) -> dict[str, Any]:
        with _failures(page):
            rows, more = _rows(await page.load())
        return {"rows": rows, "more": more, "is_live": False}

    view = View(page.id, page.title, "", f"{page.id}?format=json", level=page.level)
    return await _pages.respond(request, view, "registered.html", load)


async def _get_rendered(request: Request, page: Page, template: "jinja2.Template") -> Response:
    """Return a page as its template shows it; what that leaves out is not for everybody who may see it."""
    view = View(page.id, page.title, "", page.id, level=page.level)

    async def load(caller: Caller, summary: Summary) -> dict[str, Any]:
        with _failures(page):
            data = await page.load()
            frame = {**_pages.frame(request, view, caller, summary), "message": None, "refused": []}
            rendered = template.render({**data, **frame, "data": data})
        return {"rendered": rendered, "is_live": False}

    return await _pages.respond(request, view, "rendered.html", load)


async def _get_data(request: Request, page: Page) -> Response:
    """Return the names and values of a page as JSON."""
    response = Response()
    await _REQUIRE[page.level](await auth.get_auth(request, response), request, response)
    with _failures(page):
        data = scrub_mapping(await page.load(), config.secrets_of(config.settings), represent=str)
        body = json.dumps(data, default=str)  # in ASCII, as lone surrogates have no bytes
    response.body, response.headers["Content-Type"] = body.encode(), "application/json"
    response.headers["Content-Length"] = str(len(response.body))
    return response


@contextlib.contextmanager
def _failures(page: Page) -> Iterator[None]:
    """Say what failed in the code of the application, without secrets."""
    try:
        yield
    except LoaderError:
        raise
    except HTTPException as error:
        status = error.status_code if error.status_code in _ERRORS else 500
        raise HTTPException(status, _reason(str(error.detail))) from error
    except Exception as error:
        _LOGGER.exception("The page %r of the application failed", page.id)
        raise LoaderError(_reason(f"{type(error).__name__}: {text_of(error)}")) from error


def _reason(text: str) -> str:
    return scrub(text, config.secrets_of(config.settings)).partition("\n")[0][:_MAX_REASON_LENGTH].rstrip(".")


def _rows(data: Mapping[str, Any]) -> tuple[list[tuple[str, str]], int]:
    """Return the names and values to show, and how many more there are."""
    shown = scrub_mapping(data, config.secrets_of(config.settings), represent=str)
    rows = [(str(name), _text(value)) for name, value in list(shown.items())[:_MAX_ROWS]]
    return rows, max(0, len(shown) - _MAX_ROWS)


def _text(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_TEXT_LENGTH else f"{text[:_MAX_TEXT_LENGTH]}…"


routes: list[BaseRoute] = [_PageRoute("/{page_id}", _get_page, name="c2c_page", include_in_schema=False)]
"""The route of all registered pages, to be placed after all others."""
