"""Python values as JSON and back, with and without types.

Without types everything that pydantic can serialise is sent and plain JSON values arrive. With types
(`decorate`) parameters and results arrive as their annotations say.
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

import pydantic
import pydantic_core
from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

MAX_MESSAGE_BYTES = 1024 * 1024
"""A larger message is an error of the caller."""

_CONFIG = ConfigDict(
    ser_json_bytes="base64",
    val_json_bytes="base64",
    ser_json_inf_nan="constants",
    arbitrary_types_allowed=False,
)


class CodecError(ValueError):
    """A value cannot be sent, or what arrived is not of the expected type."""


def encode(value: Any) -> bytes:
    """JSON of any value that pydantic can serialise.

    Raises:
        CodecError: It cannot.
    """
    try:
        return pydantic_core.to_json(value, bytes_mode="base64", inf_nan_mode="constants")
    except (pydantic_core.PydanticSerializationError, ValueError, RecursionError) as error:
        raise CodecError(f"cannot be sent as JSON: {error}") from error


def decode(data: bytes) -> Any:
    """Plain value of JSON.

    Raises:
        CodecError: It is no JSON.
    """
    try:
        return pydantic_core.from_json(data)
    except ValueError as error:
        raise CodecError(f"no JSON: {error}") from error


def check_size(data: bytes) -> bytes:
    """Give the data back.

    Raises:
        CodecError: They are too large.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise CodecError(f"the message has {len(data)} bytes, at most {MAX_MESSAGE_BYTES} are allowed")
    return data


class TypedValue:
    """A type that crosses the wire.

    Args:
        annotation: What `pydantic.TypeAdapter` takes.
    """

    def __init__(self, annotation: Any) -> None:
        wrapper: Any = TypedDict("wrapper", {"v": annotation})
        self._adapter: TypeAdapter[Any] = _adapter(wrapper)

    def encode(self, value: Any) -> bytes:
        """JSON of a value of the type.

        Raises:
            CodecError: It is not of the type, or cannot be serialised.
        """
        return _dump(self._adapter, {"v": value})

    def decode(self, data: bytes) -> Any:
        """The value of JSON.

        Raises:
            CodecError: It is not of the type.
        """
        return _load(self._adapter, data)["v"]


class TypedParameters:
    """The keyword parameters of a function, as they cross the wire.

    Args:
        func: The function; its annotations are the types.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self._signature = inspect.signature(func)
        hints = _hints(func)
        fields: dict[str, Any] = {}
        extra: typing.Literal["allow", "forbid"] = "forbid"
        for name, parameter in self._signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                extra = "allow"
            elif parameter.kind in {parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL}:
                raise TypeError(f"{func!r}: the parameter {name!r} cannot be given by keyword")
            else:
                annotation = hints.get(name, Any)
                has_default = parameter.default is not parameter.empty
                fields[name] = typing.NotRequired[annotation] if has_default else annotation
        wrapper: Any = TypedDict("parameters", fields)  # type: ignore[misc]  # made at run time
        self._adapter: TypeAdapter[Any] = _adapter(wrapper, extra=extra)
        self.result = TypedValue(hints.get("return", Any))

    def encode(self, params: Mapping[str, Any]) -> bytes:
        """JSON of the parameters.

        Raises:
            TypeError: A parameter is missing or unknown.
            CodecError: One is not of its type, or cannot be serialised.
        """
        self._signature.bind(**params)
        return _dump(self._adapter, dict(params))

    def decode(self, data: bytes) -> dict[str, Any]:
        """The parameters of JSON.

        Raises:
            CodecError: They are not of their types.
        """
        params: dict[str, Any] = _load(self._adapter, data)
        return params


def _adapter(wrapper: Any, extra: typing.Literal["allow", "forbid"] = "forbid") -> TypeAdapter[Any]:
    wrapper.__pydantic_config__ = ConfigDict(**_CONFIG, extra=extra)
    return TypeAdapter(wrapper)


def _hints(func: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(func, include_extras=True)
    except NameError as error:
        raise TypeError(f"{func!r}: an annotation cannot be resolved: {error}") from error


def _dump(adapter: TypeAdapter[Any], value: Any) -> bytes:
    try:
        return adapter.dump_json(value, warnings="error")
    except (pydantic_core.PydanticSerializationError, ValueError, RecursionError) as error:
        raise CodecError(f"cannot be sent: {error}") from error


def _load(adapter: TypeAdapter[Any], data: bytes) -> Any:
    try:
        return adapter.validate_json(data)
    except pydantic.ValidationError as error:
        raise CodecError(f"not of the expected type: {error}") from error
