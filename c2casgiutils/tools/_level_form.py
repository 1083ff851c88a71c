"""The form of the page that sets and ends log levels."""

import dataclasses
from collections.abc import Mapping
from typing import Self

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from c2casgiutils import auth
from c2casgiutils.switches import CLUSTER, SwitchReport
from c2casgiutils.tools import _level_changes
from c2casgiutils.tools._level_changes import Wanted
from c2casgiutils.tools._level_fields import LevelChange, LoggerName, ScopeName
from c2casgiutils.tools._pages import Message

_NO_END = "none"


class _Set(LevelChange):
    """The fields of a level to set."""

    name: LoggerName


class _End(BaseModel):
    """The fields of a level to end."""

    name: LoggerName
    scope: ScopeName


@dataclasses.dataclass(frozen=True)
class Entered:
    """What somebody entered, as text; shown again when it is refused."""

    name: str = ""
    level: str = ""
    ttl: str = ""
    scope: str = CLUSTER
    reason: str = ""
    is_end: bool = False

    @classmethod
    def of(cls, form: Mapping[str, list[str]]) -> Self:
        """Return the fields of a form; missing ones have their defaults."""
        texts = {field.name: form[field.name][-1].strip() for field in _TEXTS if form.get(field.name)}
        return cls(**{name: text for name, text in texts.items() if text}, is_end="end" in form)

    def wanted(self) -> Wanted:
        """Return the change.

        Raises:
            ValidationError: Says what is accepted.
        """
        if self.is_end:
            end = _End(name=self.name, scope=self.scope)
            return Wanted(end.name, None, scope=end.scope)
        fields = {"name": self.name, "level": self.level, "scope": self.scope, "reason": self.reason or None}
        if self.ttl:
            fields["ttl"] = None if self.ttl == _NO_END else self.ttl
        change = _Set.model_validate(fields)
        return Wanted(change.name, change.level, change.seconds(), change.scope, change.reason)


_TEXTS = [field for field in dataclasses.fields(Entered) if field.name != "is_end"]


async def submit(
    entered: Entered, *, request: Request, auth_info: auth.AuthInfo
) -> tuple[Message, int] | None:
    """Do what was entered; return a message and a status if it was not done, or only in part."""
    try:
        done = await _level_changes.change(entered.wanted(), request=request, auth_info=auth_info)
    except ValidationError as error:
        reasons = "; ".join(f"{item['loc'][0]}: {item['msg']}" for item in error.errors())
        return Message("fail", "Not changed.", f"{reasons}."), 422
    except _level_changes.RefusedError as error:
        return Message("fail", "Not changed.", f"{error}."), 422
    except HTTPException as error:
        return Message("fail", "Not changed.", f"{error.detail}."), error.status_code
    except _level_changes.NotSetError as error:
        return Message("fail", "Not changed.", f"{error}."), 503
    texts = [] if done.report.complete else [_partly(done.report)]
    if done.exceptions:
        texts.append(f"But {done.exceptions}.")
    return (Message("warn", "Partly done.", " ".join(texts)), 200) if texts else None


def _partly(cluster: SwitchReport) -> str:
    text = f"{cluster.applied} of {cluster.alive} processes confirmed the level."
    if cluster.behind:
        behind = ", ".join(f"{process.pid} on {process.hostname}" for process in cluster.behind)
        text += f" Not yet: {behind}; they will apply it within one heartbeat after reaching Redis."
    if cluster.roster == "stale":
        text += " It is not known whether there are others."
    return text
