"""The model of an event."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

Kind = Literal["audit", "check", "join", "leave", "loss", "return", "state"]
"""What happened: somebody changed something, a health check or a process changed its state, a process joined,
left cleanly, ended without saying so, or returned after its heartbeats were missing."""

MAX_LENGTH = 300
_Short = Annotated[str, Field(max_length=MAX_LENGTH)]


class Event(BaseModel):
    """Something that happened in a process of the service."""

    at: AwareDatetime = Field(description="by the clock of Redis if Redis is used")
    kind: Annotated[str, Field(max_length=20)]
    who: _Short | None = Field(default=None, description="who did it; null if nobody did")
    what: _Short = Field(description="the action and its target, the check, or the id of the process")
    before: _Short | None = None
    after: _Short | None = None
    reason: _Short | None = None
    instance: _Short | None = Field(default=None, description="the id of the process")


def short(text: str | None) -> str | None:
    """Return the first line of a text as an event may contain it, `None` if it is empty."""
    line = (text or "").strip().partition("\n")[0][:MAX_LENGTH]
    if not line:
        return None
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
