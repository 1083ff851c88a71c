"""The view of the log levels: find a logger, set its level for a while, see who has it, end it.

Only this process and the roster are read, unless somebody asks for more: a search, one logger, or the levels
that were changed, which may be those of single processes.
"""

import contextlib
import dataclasses
import difflib
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from c2casgiutils import auth, config, instances
from c2casgiutils.instances import Instance
from c2casgiutils.switches import CLUSTER, Setting, SwitchesUnavailableError
from c2casgiutils.tools import (
    _attention,
    _forms,
    _level_changes,
    _level_form,
    _level_tree,
    _level_values,
    _levels,
    _logger_list,
    _loggers,
    _pages,
    _summary,
    _views,
    _way_in,
)
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._level_fields import LevelChange, LevelRequest
from c2casgiutils.tools._level_form import Entered
from c2casgiutils.tools._level_holders import Asked
from c2casgiutils.tools._level_tree import Tree
from c2casgiutils.tools._messages import Message
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary

router = APIRouter(include_in_schema=False)

_VIEW = _views.get("levels")
_DURATIONS = (("10m", "10 minutes"), ("1h", "1 hour"), ("1d", "1 day"), ("7d", "7 days"))
_FOR_EVER = (_level_form.NO_END, "for ever: until somebody ends it, also after restarts")
_MAX_COMPARED = 2000
_MAX_OWN = 5000


@dataclasses.dataclass(frozen=True)
class Found:
    """The loggers that are shown, and what is known of the others.

    Attributes:
        tree: The loggers.
        asked: What the processes answered; of this process only, if nobody asked for more.
        is_search: All processes were asked.
        unknown: The name that is searched for and that no process has; empty if it is no name or has one.
        suggestions: Names like it.
    """

    tree: Tree
    asked: Asked
    is_search: bool
    unknown: str
    suggestions: Sequence[str]


@router.get("/levels", name="c2c_levels")
async def get_levels(request: Request) -> Response:
    """Return the page with the loggers."""
    query = Query(request)
    fields = {
        **_way_in.entry(request),
        "q": [query.text("q")],
        "ttl": [query.field("ttl", LevelChange, also=(_level_form.NO_END,))],
        "scope": [query.text("scope", max_length=500)],
        "reason": [query.field("reason", LevelChange)],
        "logger": [query.field("logger", LevelRequest, "name")],
    }
    entered = Entered.of({**fields, "changed": ["1" if query.is_on("changed") else ""]})
    return await _page(request, entered=entered, query=query)


@router.post("/levels", name="c2c_levels_change")
async def post_levels(request: Request) -> Response:
    """Do what a button asks for; redirect to the row with the result unless it is refused."""
    return await _forms.submit(request, Entered, _act, _page, access=auth.require_read_write_access)


async def _act(request: Request, entered: Entered) -> Response:
    auth_info = await auth.get_auth(request, Response())
    refusal = await _level_form.submit(entered, request=request, auth_info=auth_info)
    if refusal is not None:
        message, status = refusal
        return await _page(request, entered=entered, message=message, status=status)
    if entered.back:
        return RedirectResponse("./#attention", 303)
    fragment = quote(_level_tree.id_of(entered.name), safe="%")
    return RedirectResponse(f"levels?{entered.query(logger=entered.name)}#{fragment}", 303)


async def _page(
    request: Request,
    *,
    entered: Entered,
    query: Query | None = None,
    message: Message | None = None,
    status: int = 200,
) -> HTMLResponse:
    selected = entered.name if _is_name(entered.name) else ""

    async def load(_: Caller, summary: Summary) -> dict[str, Any]:
        if query is not None and entered.scope not in ("", CLUSTER, _level_changes.PROCESS):
            trouble = _summary.find_process(summary, entered.scope)[1]
            query.refused += [f"scope: {trouble}"] if trouble else []
        found = await _find(entered, selected, summary.roster)
        return {
            "found": found,
            "is_live": not found.is_search,
            "search": "q",
            "now": _pages.now(),
            "entered": entered,
            "selected": selected,
            **({"message": None} if selected else {}),
            "row_message": message or _pages.not_done_yet(request, _VIEW),
            "numbers": _numbers(),
            "again": _level_form.longer,
            "kept": _level_form.kept,
            "durations": _durations(entered.ttl),
            "scopes": _scopes(summary.roster, entered.scope),
            "is_alone": instances.scope() == "process",
            "repository": config.settings.auth.github.repository,
            "permission": config.settings.auth.github.access_type_read_write,
        }

    return await _pages.respond(
        request, _VIEW, "levels.html", load, query=query, message=message, status=status
    )


def _is_name(name: str) -> bool:
    try:
        _level_values.checked_name(name)
    except ValueError:
        return False
    return True


async def _find(entered: Entered, selected: str, roster: Collection[Instance]) -> Found:
    is_changed, searched = bool(entered.changed), entered.q if _is_name(entered.q) else ""
    is_search = bool(entered.q or is_changed or selected)
    asked = await _ask(entered, selected or searched, roster) if is_search else None
    if asked is None or not (entered.q or is_changed):
        own = _logger_list.of_this_process(limit=_MAX_OWN, also=selected or None)
        asked = Asked.of_this_process(own) if asked is None else asked.with_list(own)
    levels = await _levels_of(entered.q, selected, is_search=is_search)
    is_list = bool(entered.q or is_changed)
    tree = _level_tree.build(asked, levels, selected=selected, is_search=is_list, roster=roster)
    is_known = any(answer.exists for _, answer in asked.answers) or searched in levels
    unknown = "" if is_known or selected not in ("", searched) else searched
    return Found(tree, asked, is_search, unknown, _suggestions(unknown, asked, levels) if unknown else [])


async def _ask(entered: Entered, also: str, roster: Collection[Instance]) -> Asked:
    limit = _level_tree.MAX_ROWS if entered.q or entered.changed else 0
    reply = await _logger_list.ask_all(limit, q=entered.q, changed=bool(entered.changed), also=also or None)
    return Asked.of(reply, roster)


async def _levels_of(q: str, selected: str, *, is_search: bool) -> Mapping[str, Setting]:
    """Return the levels of all processes to show; for a search as they are stored, if they can be read."""
    if is_search:
        with contextlib.suppress(SwitchesUnavailableError):
            await _levels.overrides()
    part, levels = q.casefold(), _levels.in_force(own=False)
    return {name: level for name, level in levels.items() if part in name.casefold() or name == selected}


def _suggestions(name: str, asked: Asked, levels: Collection[str]) -> list[str]:
    known = {*_loggers.names()[:_MAX_COMPARED], *levels}
    known |= {logger.name for _, answer in asked.answers for logger in answer.loggers}
    by_folded = {other.casefold(): other for other in known if other != name}
    return [by_folded[close] for close in difflib.get_close_matches(name.casefold(), by_folded)]


def _numbers() -> list[tuple[int, str]]:
    """Return the levels with the words on their buttons, the most severe first."""
    numbers = sorted(set(logging.getLevelNamesMapping().values()) - {logging.NOTSET}, reverse=True)
    return [(logging.NOTSET, "inherit"), *((number, logging.getLevelName(number)) for number in numbers)]


def _durations(chosen: str) -> list[tuple[str, str]]:
    usual = config.settings.tools.logging.ttl.total_seconds()
    text = f"{_pages.duration(usual).removesuffix(' 0 s')} below INFO, otherwise for ever"
    known = [("", text if usual else "for ever"), *_DURATIONS]
    return [*known, *_kept(chosen, [*known, _FOR_EVER]), _FOR_EVER]


def _scopes(roster: Collection[Instance], chosen: str) -> list[tuple[str, str]]:
    if instances.is_cut_off():
        return [(_level_changes.PROCESS, "this process only")]
    if instances.scope() == "process":
        known = [("", "this process")]
    else:
        living = [one for one in roster if one.liveness != "lost"]
        known = [("", "all processes"), *((one.id, f"only {_attention.name_of(one)}") for one in living)]
    return [*known, *_kept(chosen, known)]


def _kept(chosen: str, known: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what was chosen although it is not offered, so that it is not lost."""
    if not chosen or chosen in dict(known):
        return []
    return [(chosen, "the process that answers" if chosen == _level_changes.PROCESS else chosen)]
