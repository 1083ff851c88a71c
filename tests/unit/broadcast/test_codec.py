"""Values on their way through JSON."""

import dataclasses
import datetime
import decimal
import enum
import math
import uuid
from typing import Any

import pydantic
import pytest
from typing_extensions import TypedDict

from c2casgiutils.broadcast import _codec


class Colour(enum.Enum):
    RED = "red"


class Model(pydantic.BaseModel):
    raw: bytes
    number: float = 0
    children: list["Model"] = []


class Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)
    when: datetime.datetime


@dataclasses.dataclass
class Data:
    raw: bytes


class Typed(TypedDict):
    raw: bytes


_WHEN = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)

_VALUES: list[tuple[Any, Any]] = [
    (int, 1),
    (str, "é\n\u2028"),
    (None, None),
    (bytes, b"\xff\x00"),
    (float, math.inf),
    (datetime.datetime, _WHEN),
    (datetime.timedelta, datetime.timedelta(seconds=1.5)),
    (uuid.UUID, uuid.UUID(int=7)),
    (decimal.Decimal, decimal.Decimal("1.10")),
    (Colour, Colour.RED),
    (Model, Model(raw=b"\xff", number=-math.inf, children=[Model(raw=b"\xfe")])),
    (Strict, Strict(when=_WHEN)),
    (Data, Data(b"\xff")),
    (Typed, {"raw": b"\xff"}),
    (Model | int | None, Model(raw=b"\x80")),
    (Model | int | None, 3),
    (dict[str, list[Data]], {"a": [Data(b"\xff"), Data(b"")]}),
    (dict[int, tuple[int, str]], {1: (2, "x")}),
    (set[uuid.UUID], {uuid.UUID(int=1)}),
    (Any, {"plain": [1, None]}),
]


@pytest.mark.parametrize(("annotation", "value"), _VALUES, ids=lambda value: str(value)[:30])
def test_typed_value_arrives_as_it_was(annotation: Any, value: Any) -> None:
    typed = _codec.TypedValue(annotation)
    assert typed.decode(typed.encode(value)) == value


def test_user_values_in_a_schema_are_left_alone() -> None:
    class WithDefault(pydantic.BaseModel):
        options: dict[str, Any] = {"type": "model", "config": {"a": 1}}

    typed = _codec.TypedValue(WithDefault)
    assert typed.decode(b"{}").options == {"type": "model", "config": {"a": 1}}


def test_value_of_another_type_cannot_be_sent() -> None:
    with pytest.raises(_codec.CodecError, match="cannot be sent"):
        _codec.TypedValue(int).encode("text")


def test_value_of_another_type_is_not_accepted() -> None:
    with pytest.raises(_codec.CodecError, match="not of the expected type"):
        _codec.TypedValue(int).decode(b'"text"')


def test_type_without_schema_is_an_error_at_once() -> None:
    class Odd: ...

    with pytest.raises(TypeError, match="Odd"):
        _codec.TypedValue(Odd)


def test_untyped_values_are_plain_after_the_way() -> None:
    sent = {
        "model": Model(raw=b"x"),
        "when": _WHEN,
        "id": uuid.UUID(int=1),
        "colour": Colour.RED,
        "inf": math.inf,
    }
    assert _codec.decode(_codec.encode(sent)) == {
        "model": {"raw": "x", "number": 0.0, "children": []},
        "when": "2026-11-21T12:00:00Z",
        "id": "00000000-0000-0000-0000-000000000001",
        "colour": "red",
        "inf": math.inf,
    }


def test_recursive_value_is_an_error() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(_codec.CodecError):
        _codec.encode(endless)
