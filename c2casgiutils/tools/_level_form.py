"""What somebody enters in the view of the log levels, and what its buttons do.

All fields and buttons are in one form: a click sends the duration, the scope and the reason that stand above
the list, and the search, so that the view looks the same afterwards.
"""

import dataclasses
import datetime
import logging
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlencode

from fastapi import Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from c2casgiutils import auth, switches
from c2casgiutils.config.tools import MOST_LEVEL_TTL
from c2casgiutils.switches import CLUSTER
from c2casgiutils.tools import _forms, _level_changes, _level_values, _levels, _logger_list
from c2casgiutils.tools._level_changes import Changed, RefusedError, Wanted
from c2casgiutils.tools._level_fields import LevelChange, LoggerName, ScopeName
from c2casgiutils.tools._logger_list import Override
from c2casgiutils.tools._messages import Message

NO_END = "none"
_EXTENSION = datetime.timedelta(minutes=10)
_ACTIONS = ("set", "end", "extend", "equal")
_OF_SINGLES = "own"


class _Set(LevelChange):
    """The fields of a level to set."""

    name: LoggerName


class _End(BaseModel):
    """The fields of a level to end or to extend."""

    name: LoggerName
    scope: ScopeName


@dataclasses.dataclass(frozen=True)
class Entered(_forms.Entered):
    """The fields of the form, with what its buttons stand for.

    Attributes:
        q: What is searched for.
        changed: `1` for only the loggers whose level was set.
        ttl: How long the next level lasts; empty for the usual time, `none` for no end.
        scope: Where it applies; empty for all processes.
        reason: Why.
        action: The button that was pressed: `set`, `end`, `extend` or `equal`; empty for none.
        argument: What the button is about: the number of the level, or the scope of the level to end.
        name: The logger of the button, or the one that is asked for.
        back: `1` if the overview is shown afterwards.
    """

    q: str = ""
    changed: str = ""
    ttl: str = ""
    scope: str = ""
    reason: str = ""
    action: str = ""
    argument: str = ""
    name: str = ""
    back: str = ""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the fields that the form may have."""
        return (*_ACTIONS, *_KEPT, "logger", "back")

    @classmethod
    def of(cls, form: Mapping[str, list[str]]) -> Self:
        """Return the fields of a form, or of the query; missing ones are empty."""
        texts = {name: form[name][-1].strip() for name in (*_KEPT, "back") if form.get(name)}
        action = next((name for name in _ACTIONS if form.get(name)), "")
        argument, _, name = form[action][-1].partition(" ") if action else ("", "", "")
        name = name or form.get("logger", [""])[-1].strip()
        return cls(**texts, action=action, argument=argument, name=name)

    def body(self, level: str, *, everywhere: bool = False) -> dict[str, str | None]:
        """Return the JSON that sets a level as its button does.

        Args:
            level: The level.
            everywhere: In all processes, whatever was entered.
        """
        ttl = {"ttl": None if self.ttl == NO_END else self.ttl} if self.ttl else {}
        more = {"scope": "" if everywhere else self.scope, "reason": self.reason}
        return {"level": level, **ttl, **{name: value for name, value in more.items() if value}}

    def query(self, **changes: str) -> str:
        """Return the query of the view that shows the same."""
        fields = {name: getattr(self, name) for name in _KEPT}
        return urlencode({name: value for name, value in {**fields, **changes}.items() if value})


_KEPT = ("q", "changed", "ttl", "scope", "reason")


async def submit(
    entered: Entered, *, request: Request, auth_info: auth.AuthInfo
) -> tuple[Message, int] | None:
    """Do what was asked for; return a message and a status if it is not known to be done.

    Raises:
        ValidationError: Says what is accepted.
        HTTPException: It was refused.
    """
    try:
        for wanted in await _wanted(entered):
            await _change(wanted, request, auth_info)
    except RefusedError as error:
        raise HTTPException(422, str(error)) from error
    except _level_changes.NotSetError as error:
        title = "Not confirmed." if error.may_be_kept else "Not changed."
        return Message("fail", title, f"{error}."), 503
    return None


async def _change(wanted: Wanted, request: Request, auth_info: auth.AuthInfo) -> Changed:
    return await _level_changes.change(wanted, request=request, auth_info=auth_info)


async def _wanted(entered: Entered) -> list[Wanted]:
    """Return the changes that a button stands for.

    Raises:
        ValidationError: Says what is accepted.
        RefusedError: There is no such button, or no level that could be extended.
        HTTPException: A process is unknown or does not answer, or Redis is unreachable.
    """
    match entered.action:
        case "set":
            return [_set(entered, entered.argument)]
        case "end":
            end = _End(name=entered.name, scope=entered.argument)
            return [Wanted(end.name, None, scope=end.scope)]
        case "extend":
            return [await _extended(_End(name=entered.name, scope=entered.argument))]
        case "equal":
            return await _equal(entered)
        case _:
            raise RefusedError("no level was chosen")


def _set(entered: Entered, level: str) -> Wanted:
    # numbers above 50 have names, and are accepted by these only
    is_number = level.isdecimal() and len(level) < 10  # noqa: PLR2004  # digits, more than any level has
    known = logging.getLevelName(int(level)) if is_number else level
    fields: dict[str, Any] = {
        "name": entered.name,
        "level": known,
        "scope": entered.scope or CLUSTER,
        "reason": entered.reason or None,
    }
    if entered.ttl:
        fields["ttl"] = None if entered.ttl == NO_END else entered.ttl
    change = _Set.model_validate(fields)
    return Wanted(change.name, change.level, change.seconds(), change.scope, change.reason)


async def _extended(end: _End) -> Wanted:
    """Return the present level with a later end, for the same reason."""
    override = await _present(end.name, end.scope)
    if override is None:
        raise RefusedError(f"the level of {end.name} ended in the meantime")
    return _again(end.name, override, longer=_EXTENSION)


async def _present(name: str, scope: str) -> Override | None:
    if scope == CLUSTER:
        setting = (await _levels.overrides(own=False)).get(name)
        return None if setting is None else Override.of(setting)
    id_ = await _level_changes.find_instance(scope)
    try:
        override = (await _logger_list.describe_in(id_, name)).override
    except _logger_list.SilentInstanceError as error:
        raise _level_changes.silent(str(error)) from error
    return override if override is not None and override.scope == id_ else None


def _again(name: str, override: Override, *, longer: datetime.timedelta) -> Wanted:
    ttl = None
    if override.expires is not None:
        left = override.expires - datetime.datetime.fromtimestamp(switches.now(), tz=datetime.UTC)
        ttl = min(max(left, datetime.timedelta(seconds=1)) + longer, MOST_LEVEL_TTL).total_seconds()
    number = _level_values.parse_name(override.level)
    return Wanted(name, number, ttl, override.scope, override.reason)


def longer(override: Override, now: datetime.datetime) -> dict[str, str | None]:
    """Return the JSON that lets a level last ten minutes longer, to the minute."""
    return _body(override, now, _EXTENSION, datetime.timedelta(minutes=1))


def kept(override: Override, now: datetime.datetime) -> dict[str, str | None]:
    """Return the JSON that sets a level again, with the same end."""
    return _body(override, now, datetime.timedelta(), datetime.timedelta(seconds=1))


def _body(
    override: Override, now: datetime.datetime, extension: datetime.timedelta, unit: datetime.timedelta
) -> dict[str, str | None]:
    ttl = None
    if override.expires is not None:
        left = min(max(override.expires - now, datetime.timedelta(seconds=1)) + extension, MOST_LEVEL_TTL)
        ttl = f"{left // unit}{'m' if unit > datetime.timedelta(seconds=1) else 's'}"
    body = {"level": override.level, "ttl": ttl, "scope": override.scope}
    return {**body, "reason": override.reason} if override.reason else body


async def _equal(entered: Entered) -> list[Wanted]:
    """Return the changes after which all processes have the same level.

    Levels of single processes end with a removal for all of them; the level of all is set again then. Levels
    that differ for another reason are all set to the given one.
    """
    if entered.argument != _OF_SINGLES:
        return [_set(dataclasses.replace(entered, scope=CLUSTER), entered.argument)]
    end = _End(name=entered.name, scope=CLUSTER)
    override = await _present(end.name, CLUSTER)
    again = [] if override is None else [_again(end.name, override, longer=datetime.timedelta())]
    return [Wanted(end.name, None), *again]
