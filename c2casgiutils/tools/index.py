"""The page of the operators: rendered here, works without JavaScript, all its files are served by us.

All its links are relative, so that it is right at any mount path, under any root path and behind any proxy.
"""

import functools
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from c2casgiutils import auth, config, instances
from c2casgiutils.tools import _levels, _overview, logging_, static
from c2casgiutils.tools._overview import Message

if TYPE_CHECKING:
    import jinja2

router = APIRouter(include_in_schema=False)

_HEADERS = {
    # https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
}
_STATE_WORDS = {"pass": "OK", "warn": "Degraded", "fail": "Down"}
_CHECK_WORDS = {
    "pass": "ok",
    "warn": "degraded",
    "fail": "down",
    "skip": "not configured",
    "unknown": "unknown",
}
_SIGN_IN_ERRORS = {
    "wrong": Message("fail", "Wrong secret.", "Check it and try again."),
    "throttled": Message("fail", "Too many wrong secrets.", "Wait a minute, then try again."),
}
_LINKS = (
    ("health_checks", "Health checks"),
    ("instances", "Processes"),
    ("logging/overrides", "Log levels"),
    ("headers/", "Request headers"),
    ("auth/status", "Who am I"),
    ("openapi.json", "OpenAPI"),
)


@router.get("/", name="c2c_index")
async def get_index(request: Request) -> HTMLResponse:
    """Show the page."""
    message = None
    logger = request.query_params.get("logger", "")
    if request.query_params.get("result") == "set" and logger:
        message = Message(
            "pass", "Done.", f"The level of {logger[: _levels.NAME_LIMIT]} was set in every process."
        )
    return await _page(request, message=message, logger=logger)


@router.post("/", name="c2c_index_set_level")
async def post_index(request: Request) -> Response:
    """Set a log level from the form of the page; only a full success leads back to the page."""
    async with request.form(max_files=0, max_fields=10) as form:
        name, level = str(form.get("name", "")).strip(), str(form.get("level", ""))
    message, status = await _set_level(request, name, level)
    if message is None:
        return RedirectResponse(f"?logger={quote(name, safe='')}&result=set#levels", 303)
    return await _page(request, message=message, logger=name, level=level, status=status)


async def _set_level(request: Request, name: str, level: str) -> tuple[Message | None, int]:
    response = Response()
    try:
        auth_info = await auth.get_auth(request, response)
        await auth.require_read_write_access(auth_info, request, response)
        wanted = logging_.LevelRequest(name=name, level=level)
        report = await logging_.change(wanted.name, wanted.level, request=request, auth_info=auth_info)
    except HTTPException as error:
        return Message("fail", "Not changed.", f"{error.detail}."), error.status_code
    except ValidationError as error:
        reasons = "; ".join(
            f"{item['loc'][0]}: {item['msg'].removeprefix('Value error, ')}" for item in error.errors()
        )
        return Message("fail", "Not changed.", f"{reasons}."), 422
    except _levels.QuotaExceededError as error:
        return Message("fail", "Not changed.", f"{error}."), 422
    except logging_.NotSetError as error:
        return Message("fail", "Not done.", f"{error}."), 503
    cluster = report.cluster
    if cluster.complete:
        return None, 303
    silent = ", ".join(f"{item.pid} on {item.hostname}" for item in [*cluster.missing, *cluster.failed])
    text = (
        f"{cluster.answered} of {cluster.asked} processes confirmed the level. Without an answer: {silent}."
    )
    return Message("warn", "Done in part.", text), 200


async def _page(
    request: Request, *, message: Message | None, logger: str, level: str = "", status: int = 200
) -> HTMLResponse:
    response = HTMLResponse(status_code=status, headers=_HEADERS)
    caller = await _overview.caller_of(request, response)
    overview = await _overview.collect(request, caller, logger=logger if status < 400 else None)  # noqa: PLR2004
    sign_in_error = _SIGN_IN_ERRORS.get(request.query_params.get("sign_in", ""))
    docs = (("docs", "API documentation"),) if config.settings.tools.docs else ()
    text = (
        _templates()
        .get_template("index.html")
        .render(
            overview=overview,
            title=_title(),
            message=message if caller.can_read or not sign_in_error else None,
            sign_in_error=sign_in_error,
            logger=logger[: _levels.NAME_LIMIT],
            level=level.strip().upper(),
            words=_STATE_WORDS,
            check_words=_CHECK_WORDS,
            came_from=request.url.path,
            links=(*_LINKS, *docs),
            css=static.hashed_name("c2c.css"),
            icon=static.hashed_name("c2c.svg"),
            version=instances.own().packages.get("c2casgiutils", ""),
        )
    )
    response.body = text.encode()
    response.headers["Content-Length"] = str(len(response.body))
    return response


def _title() -> str:
    application = instances.own().application
    return application if application not in ("", "FastAPI") else "Operations"


@functools.cache
def _templates() -> "jinja2.Environment":
    import jinja2  # noqa: PLC0415 # imported on first use

    return jinja2.Environment(
        loader=jinja2.PackageLoader("c2casgiutils.tools"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
