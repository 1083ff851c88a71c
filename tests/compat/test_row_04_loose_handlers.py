"""Row 4: broadcast handlers that take and return other values than their annotations say."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pydantic
import pytest

from c2casgiutils import broadcast

pytestmark = pytest.mark.usefixtures("local_broadcast")

if TYPE_CHECKING:
    from decimal import Decimal


class Model(pydantic.BaseModel):
    raw: bytes = b""
    number: int = 0


class Unknown:
    """Pydantic has no schema for it."""


async def model_from_dict() -> Model:
    return {"raw": b"\xff"}  # type: ignore[return-value]  # the looseness is the test


async def dict_from_model() -> dict[str, Any]:
    return Model(number=1)  # type: ignore[return-value]  # the looseness is the test


async def str_from_none() -> str:
    return None  # type: ignore[return-value]  # the looseness is the test


async def model_from_other_dict() -> Model:
    return {"number": "many"}  # type: ignore[return-value]  # the looseness is the test


def plain_function_without_answer() -> int:
    return "text"  # type: ignore[return-value]  # the looseness is the test


async def unknown_result() -> Unknown:
    return 5  # type: ignore[return-value]  # the looseness is the test


async def with_model(*, value: Model) -> Any:
    assert isinstance(value, Model)
    return value


async def with_str(*, value: str, other: bytes = b"") -> Any:
    assert isinstance(other, bytes)
    return value


async def with_bytes(*, value: bytes) -> bytes:
    return value


async def with_unknown(*, value: Unknown, other: Model | None = None) -> Any:
    assert other is None or isinstance(other, Model)
    return value


async def with_unresolved(*, value: Decimal, other: Model | None = None) -> Any:
    assert other is None or isinstance(other, Model)
    return value


async def with_any_arguments(*args: Any, **kwargs: Any) -> Any:
    return kwargs["value"]


async def ask(func: Callable[..., Any], **params: Any) -> Any:
    """Call the function twice in all processes; return the payload."""
    call = await broadcast.decorate(func, expect_answers=True)
    payloads = [answer.payload for _ in range(2) for answer in await call(**params) or []]
    assert len(payloads) == 2
    assert payloads[0] == payloads[1]
    return payloads[0]


FITTING: list[tuple[Callable[..., Any], dict[str, Any], Any]] = [
    (model_from_dict, {}, Model(raw=b"\xff")),
    (dict_from_model, {}, {"raw": "", "number": 1}),
    (with_model, {"value": {"number": 2}}, {"raw": "", "number": 2}),
    (with_bytes, {"value": "abcd"}, b"abcd"),
    (with_any_arguments, {"value": [1]}, [1]),
]


@pytest.mark.parametrize(
    ("func", "params", "expected"), FITTING, ids=lambda item: getattr(item, "__name__", "")
)
async def test_values_that_fit_are_converted(
    func: Callable[..., Any], params: dict[str, Any], expected: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A value of another type becomes one of the annotated type where pydantic can convert it."""
    assert await ask(func, **params) == expected
    assert caplog.records == []


PASSED_ON: list[tuple[Callable[..., Any], dict[str, Any], Any, str]] = [
    (str_from_none, {}, None, "result"),
    (model_from_other_dict, {}, {"number": "many"}, "result"),
    (plain_function_without_answer, {}, "text", "result"),
    (unknown_result, {}, 5, "result"),
    (with_str, {"value": 5, "other": b"\xff"}, 5, "'value'"),
    (with_unknown, {"value": {"a": 1}, "other": Model(raw=b"\xff")}, {"a": 1}, "'value'"),
    (with_unresolved, {"value": 1.5, "other": Model(raw=b"\xff")}, 1.5, "'value'"),
]


@pytest.mark.parametrize(
    ("func", "params", "expected", "named"), PASSED_ON, ids=lambda item: getattr(item, "__name__", "")
)
async def test_other_values_are_passed_on_with_one_warning(
    func: Callable[..., Any],
    params: dict[str, Any],
    expected: Any,
    named: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The JSON value arrives as it is; the warning names the function and what does not fit."""
    assert await ask(func, **params) == expected
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert func.__name__ in record.getMessage()
    assert named in record.getMessage()
    assert "many" not in record.getMessage()


async def test_a_value_that_is_not_json_is_an_error() -> None:
    """What cannot become JSON cannot be passed on."""
    call = await broadcast.decorate(with_unknown, expect_answers=True)
    with pytest.raises(broadcast.BroadcastError, match=r"with_unknown.*cannot be sent"):
        await call(value=Unknown())


class _Handler:
    async def __call__(self, x: int) -> int:
        return x + 1


async def _increment(x: int) -> int:
    return x + 1


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(_Handler(), id="object"),
        pytest.param(lambda x: _increment(x), id="lambda"),  # noqa: PLW0108  # what is tested
        pytest.param(_Handler().__call__, id="method"),
    ],
)
async def test_whatever_returns_an_awaitable(handler: Callable[..., Any]) -> None:
    """Its result is awaited, as in 0.x, although it is no coroutine function."""
    ask = await broadcast.decorate(handler, channel="awaitable", expect_answers=True)
    answers: list[Any] = await ask(x=1)
    assert [answer.payload for answer in answers] == [2]
