"""What the pages have in common: their headers, their frame, the way in for those who may not see them."""

import datetime
import functools
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from c2casgiutils import _errors, auth, config, instances, switches
from c2casgiutils._names import listed
from c2casgiutils.tools import (
    _attention,
    _caller,
    _curl,
    _etag,
    _figures,
    _messages,
    _nav,
    _process_rows,
    _static,
    _summary,
    _troubles,
    _way_in,
)
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._messages import Message
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary
from c2casgiutils.tools._views import View

if TYPE_CHECKING:
    import jinja2

HEADERS = {
    # https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Referrer-Policy": "same-origin",
}
"""The headers of a page: it loads its own styles, images and script, and asks nobody else."""

NO_TITLE = "Operations"
STATES = {"down": "fail", "degraded": "warn", "ok": "pass"}
"""The states of the service, as the pages draw them."""
STATE_WORDS = {"pass": "OK", "warn": "Degraded", "fail": "Down"}


Load = Callable[[Caller, Summary], Awaitable[Mapping[str, Any]]]
"""Returns what the template of a view shows; called for who may see it."""

_ICONS = {"pass": "c2c.svg", "warn": "c2c-warn.svg", "fail": "c2c-fail.svg", "stale": "c2c-stale.svg"}
_AS_OF = re.compile(rb'<time id="at"[^>]*>[^<]*|(<time class="(?:age|left)"[^>]*>)[^<]*')
"""The time of a page, and the texts of ages: they change although nothing did, and the script knows them."""
_SIGN_IN_MODES = ("SECRET", "GITHUB")


@functools.cache
def templates() -> "jinja2.Environment":
    """Return the templates of the pages, which escape what they show."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("c2casgiutils.tools"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(name_of=_attention.name_of, name_of_id=_attention.name_of_id)
    environment.globals.update(
        duration=duration,
        figures=_figures.TITLES,
        in_seconds=_figures.in_seconds,
        listed=listed,
        logger_path=_curl.logger_path,
        name_of=_attention.name_of,
        shapes=_process_rows.SHAPES,
        css=_static.hashed_name("c2c.css"),
        script=_static.hashed_name("c2c.js"),
        icons={state: _static.hashed_name(name) for state, name in _ICONS.items()},
    )
    return environment


async def respond(
    request: Request,
    view: View,
    template: str,
    load: Load,
    *,
    query: Query | None = None,
    message: Message | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Return a view in its frame; to those who may not see it, the way in.

    A browser whose URL contains the secret is redirected to one without it.

    Args:
        request: The request.
        view: The view; a public one is shown to everybody, and its template says what is for whom.
        template: Extends `page.html`, which shows `message` and what `query` refused; after a sign-in that
            interrupted a form, `message` says that it is not done yet.
        load: Returns the variables of the template; `is_live=False` for a view whose refreshes would cost
            something, such as a question to all processes: then only its visitor refreshes it; `live_href`
            for the answer to a form, which is refreshed from that address.
        query: The query of the view.
        message: The result of an action.
        status: The status of the answer to those who may see the view.
    """
    if "secret" in request.query_params and request.method == "GET" and auth.prefers_html(request):
        return await _way_in.without_secret(request, view)
    response = HTMLResponse(headers=HEADERS)
    caller = await _caller.caller_of(request, response)
    summary = await _summary.collect(request)
    may_see = view.level == "public" or caller.has(view.level)
    context = {
        "is_live": request.method == "GET" and may_see and caller.can_read,
        **frame(request, view, caller, summary),
        "message": message or not_done_yet(request, view),
        "refused": query.refused if query is not None else [],
    }
    try:
        context |= await load(caller, summary) if may_see else {}
    except HTTPException as error:
        template = "failed.html"
        context["message"], status = _messages.refusal(error, "This cannot be shown.")
    if status == HTTPStatus.OK and query is not None:
        status = query.status
    if request.method == "POST":
        context |= await _kept_entry(request, view, caller)
    if not may_see:
        template, status = "closed.html", 503 if caller.trouble else 403
    response.status_code = status
    response.body = _errors.encodable(templates().get_template(template).render(context)).encode()
    response.headers["Content-Length"] = str(len(response.body))
    if context["is_live"] and request.method == "GET":
        _leave_out_known(request, response)
    return response


async def _kept_entry(request: Request, view: View, caller: Caller) -> dict[str, Any]:
    """Return the variables that say where the entry is of a form that the caller may not send, or not now."""
    is_signed_out = not caller.info.is_logged_in and caller.mode in _SIGN_IN_MODES
    may_not = caller.info.is_logged_in and not caller.has(view.form_level)
    if not (is_signed_out or caller.trouble or may_not):
        return {}
    href, kept = await _way_in.keep_entry(request, view)
    if is_signed_out:
        return {"came_from": href, "message": _messages.session_ended(kept)}
    return {"came_from": href, "entry": "" if kept is None else href}


def not_done_yet(request: Request, view: View) -> Message | None:
    """Return that a form is not done yet, which was sent before the sign-in and is filled again."""
    text = _way_in.not_done(request, view)
    return Message("warn", "Not done yet.", text) if text else None


def tag_of(body: bytes) -> str:
    """Return the entity tag of a page, which is the same while only its time and ages change."""
    return _etag.make(_AS_OF.sub(rb"\1", body))


def _leave_out_known(request: Request, response: HTMLResponse) -> None:
    """Answer 304 without a body if the client has this page already, but for the time it was made."""
    tag = tag_of(bytes(response.body))
    response.headers["ETag"] = tag
    if response.status_code == HTTPStatus.OK and _etag.matches(request, tag):
        response.status_code, response.body = HTTPStatus.NOT_MODIFIED, b""
        del response.headers["Content-Length"]


def frame(request: Request, view: View, caller: Caller, summary: Summary) -> dict[str, Any]:
    """Return the variables of `page.html`."""
    as_curl = _curl.Curl(request, caller.mode)
    is_shown = caller.can_read or config.settings.tools.public_title
    twin = _curl.twin(request, view.twin, view.twin_query)
    return {
        "view": view,
        "caller": caller,
        **_state_of(summary, caller),
        "cluster": summary.cluster,
        "is_cut_off": instances.is_cut_off(),
        "outage": _troubles.outage(),
        "own_name": _attention.name_of(instances.own()),
        "unseen": len(summary.unseen),
        "seen_at": summary.seen_at,
        "at": now(),
        "nav": _nav.links(caller, view, summary),
        "title": title_for(caller),
        "version": instances.own().packages.get("c2casgiutils", "") if is_shown else "",
        "sign_in_error": _messages.sign_in_error(request, caller),
        "came_from": _way_in.came_from(request, view),
        "as_curl": as_curl,
        "twin": as_curl(twin),
        "twin_href": twin,
    }


def _state_of(summary: Summary, caller: Caller) -> dict[str, Any]:
    """Return the state of the service, and in words what holds: what somebody wanted is not just OK."""
    found = [item for item in summary.attention if item.kind != "maintenance"]
    unplanned = _attention.worst(found)
    since = [item.since for item in found if item.state == unplanned != "ok" and item.since is not None]
    state = STATES[summary.state]
    words = [STATE_WORDS[STATES[unplanned]]] if unplanned != "ok" else []
    if any(item.kind == "maintenance" for item in summary.attention):
        words.append("maintenance")
    living = [one for one in summary.roster if one.liveness != "lost" and not one.script]
    draining = sum(one.state == "draining" for one in living)
    if draining and caller.can_read:
        state = "skip" if state == "pass" else state
        others = "this process" if instances.is_cut_off() else f"{draining} of {len(living)}"
        words.append(f"{others} draining")
    text = ", ".join(words) or STATE_WORDS["pass"]
    text = f"{text[0].upper()}{text[1:]}"
    return {"state": state, "state_text": text, "state_since": min(since, default=None)}


def now() -> datetime.datetime:
    """Return the time of Redis, by which all times of the cluster are told."""
    return datetime.datetime.fromtimestamp(switches.now(), tz=datetime.UTC)


def duration(seconds: float) -> str:
    """Return a duration with its two largest units, for example `2 d 3 h`; no less than `0 s`."""
    days, rest = divmod(max(int(seconds), 0), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((index for index, (number, _) in enumerate(parts) if number), len(parts) - 1)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2])


def title_for(caller: Caller) -> str:
    """Return the title of the service, to strangers only if it is public."""
    is_shown = caller.can_read or config.settings.tools.public_title
    application = instances.own().application
    return application if is_shown and application not in ("", "FastAPI") else NO_TITLE
