"""Row 3: broadcast handlers annotated with the `TypedDict` of the standard library."""

import datetime
from typing import Any, NotRequired, TypedDict

import pytest
import typing_extensions as te

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


class Extended(te.TypedDict):
    number: int


async def _loose(*, message: Message, extended: Extended) -> dict[str, Any]:
    return {"message": message, "extended": extended}


async def test_keys_without_a_type_arrive_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    """As in 0.x, nothing of a dictionary is lost, whichever module its `TypedDict` is of."""
    loose = await broadcast.decorate(_loose, expect_answers=True)
    message: Any = {"when": _WHEN.isoformat(), "node": {"other": [1]}, "more": {"x": None}}
    extended: Any = {"number": "5", "colour": "red"}
    answers: list[Any] = await loose(message=message, extended=extended)
    expected = {
        "message": {"when": "2026-11-25T12:00:00Z", "node": {"other": [1]}, "more": {"x": None}},
        "extended": {"number": 5, "colour": "red"},
    }
    assert [answer.payload for answer in answers] == [expected]
    assert caplog.records == []
