"""Row 3: broadcast handlers annotated with the `TypedDict` of the standard library."""

import datetime
from typing import Any, NotRequired, TypedDict

import pytest

from c2casgiutils import broadcast

pytestmark = pytest.mark.usefixtures("local_broadcast")

_WHEN = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)


class Node(TypedDict, total=False):
    raw: bytes
    children: "list[Node]"


class Message(TypedDict):
    when: datetime.datetime
    node: Node | None
    note: NotRequired[str]


async def _echo(*, message: Message, more: dict[str, Node] | None = None) -> list[Message]:
    assert more is None or isinstance(more["a"]["raw"], bytes)
    return [message]


async def test_dictionaries_arrive_with_their_types(caplog: pytest.LogCaptureFixture) -> None:
    """Keys that are not required may be absent; nested and recursive dictionaries are converted too."""
    echo = await broadcast.decorate(_echo, expect_answers=True)
    message: Message = {"when": _WHEN, "node": {"raw": b"\xff", "children": [{"raw": b"\xfe"}, {}]}}
    answers: list[Any] = await echo(message=message, more={"a": {"raw": b"\xfd"}})
    assert [answer.payload for answer in answers] == [[message]]
    assert caplog.records == []
