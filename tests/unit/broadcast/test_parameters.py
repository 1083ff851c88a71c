"""Parameters of decorated functions."""

import functools
from typing import Any

import pydantic
import pytest

from c2casgiutils.broadcast._codec import CodecError
from c2casgiutils.broadcast._parameters import Parameters


def test_function_that_cannot_be_called_by_keyword_is_an_error_at_once() -> None:
    def positional(number: int, /) -> None: ...

    with pytest.raises(TypeError, match=r"positional.*'number'"):
        Parameters(positional)


def test_optional_positional_parameters_do_not_matter() -> None:
    def func(number: int = 1, /, *more: int, other: bytes) -> None: ...

    parameters = Parameters(func)
    assert parameters.decode(parameters.encode({"other": b"\xff"})) == {"other": b"\xff"}


def test_parameters_of_any_name_travel() -> None:
    def func(*, model_config: int, _private: str = "x", json: bytes = b"", **others: Any) -> None: ...

    parameters = Parameters(func)
    given = {"model_config": 1, "json": b"\xff", "more": [1]}
    assert parameters.decode(parameters.encode(given)) == given


@pytest.mark.parametrize(
    ("params", "message"), [({}, "missing"), ({"a": 1, "b": 2}, "unexpected")], ids=["missing", "unknown"]
)
def test_wrong_parameters_are_named(params: dict[str, Any], message: str) -> None:
    def func(*, a: int) -> None: ...

    with pytest.raises(TypeError, match=message):
        Parameters(func).encode(params)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"a": 1, "b": 2}', b"[]"])
def test_malformed_parameters_are_an_error(data: bytes) -> None:
    def func(*, a: int) -> None: ...

    with pytest.raises(CodecError):
        Parameters(func).decode(data)


def test_validators_of_the_application_may_raise_anything(caplog: pytest.LogCaptureFixture) -> None:
    """An error that pydantic does not know is a value that does not fit."""

    class Fragile(pydantic.BaseModel):
        key: str

        @pydantic.field_validator("key")
        @classmethod
        def _check(cls, value: str) -> str:
            return {"good": value}[value]

    def func(*, value: Fragile) -> None: ...

    parameters = Parameters(func)
    assert parameters.decode(parameters.encode({"value": {"key": "good"}})) == {"value": Fragile(key="good")}
    for _ in range(2):
        assert parameters.decode(parameters.encode({"value": {"key": "bad"}})) == {"value": {"key": "bad"}}
    assert len(caplog.records) == 1


def test_functions_with_bound_arguments() -> None:
    def func(number: int, *, raw: bytes) -> None: ...

    parameters = Parameters(functools.partial(func, 1))
    assert parameters.decode(parameters.encode({"raw": b"\xff"})) == {"raw": b"\xff"}
