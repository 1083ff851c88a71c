"""Serialisation of the parameters and the result of a decorated function.

Annotations are a hint, not a contract: a value that does not match is passed on as plain JSON, with one
warning for each function.
"""

import contextlib
import functools
import inspect
import logging
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from c2casgiutils.broadcast import _codec

_LOGGER = logging.getLogger(__name__)


class _Unresolved:
    """Placeholder for an annotation that cannot be resolved; pydantic rejects it, too."""


class _Warnings:
    """Logs a warning for the first value of a function that does not match its annotation."""

    def __init__(self, func: Callable[..., Any]) -> None:
        self._name = f"{getattr(func, '__module__', '')}.{getattr(func, '__qualname__', func)}"
        self._is_given = False

    def give(self, problem: str) -> None:
        if not self._is_given:
            self._is_given = True
            _LOGGER.warning("%s: %s; such values are passed on as plain JSON", self._name, problem)


class LooseValue:
    """A value that should be of a type; otherwise it is converted if possible, or else passed on unchanged.

    Args:
        annotation: The type.
        name: Description of the value, for the warning.
        warnings: Logs the warning.
    """

    def __init__(self, annotation: Any, name: str, warnings: _Warnings) -> None:
        self._name = name
        self._warnings = warnings
        try:
            self._typed = _codec.TypedValue(annotation)
        except TypeError:
            self._typed = _codec.TypedValue(Any)
            warnings.give(f"the annotation of the {name} is not supported")

    def encode(self, value: Any) -> bytes:
        """Return the value as JSON.

        Raises:
            CodecError: It cannot be serialised.
        """
        with contextlib.suppress(_codec.CodecError):
            return self._typed.encode(value)
        # Converted here if possible: after serialisation, text and bytes can no longer be told apart.
        with contextlib.suppress(_codec.CodecError):
            return self._typed.encode(self._typed.convert(value))
        return _codec.encode(value)

    def decode(self, data: bytes) -> Any:
        """Return the value of a JSON text.

        Raises:
            CodecError: It is not valid JSON.
        """
        with contextlib.suppress(_codec.CodecError):
            return self._typed.decode(data)
        value = _codec.decode(data)
        self._warnings.give(f"the {self._name} does not match its annotation")
        return value


class Parameters:
    """The keyword parameters and the result of a function.

    Args:
        func: The function; its annotations are the types.

    Raises:
        TypeError: A parameter cannot be passed by keyword.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self._signature = inspect.signature(func)
        hints = _hints(func)
        warnings = _Warnings(func)
        self._values: dict[str, LooseValue] = {}
        for name, parameter in self._signature.parameters.items():
            if parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty:
                raise TypeError(f"{func!r}: the parameter {name!r} cannot be passed by keyword")
            self._values[name] = LooseValue(hints.get(name, Any), f"parameter {name!r}", warnings)
        self._other = LooseValue(Any, "parameter", warnings)
        self.result = LooseValue(hints.get("return", Any), "result", warnings)

    def encode(self, params: Mapping[str, Any]) -> bytes:
        """Return the parameters as JSON.

        Raises:
            TypeError: A parameter is missing or unknown.
            CodecError: A parameter cannot be serialised.
        """
        self._signature.bind(**params)
        items = (
            _codec.encode(name) + b":" + self._values.get(name, self._other).encode(value)
            for name, value in params.items()
        )
        return b"{" + b",".join(items) + b"}"

    def decode(self, data: bytes) -> dict[str, Any]:
        """Return the parameters of a JSON text.

        Raises:
            CodecError: The text is not valid JSON, or a parameter is missing or unknown.
        """
        params = _codec.decode(data)
        if not isinstance(params, dict):
            raise _codec.CodecError("not a JSON object of parameters")
        try:
            self._signature.bind(**params)
        except TypeError as error:
            raise _codec.CodecError(f"not the parameters of the function: {error}") from error
        return {
            name: self._values.get(name, self._other).decode(_codec.encode(value))
            for name, value in params.items()
        }


def _hints(func: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations by name, each resolved separately so that one failure does not affect others."""
    while isinstance(func, functools.partial):
        func = func.func
    names = getattr(inspect.unwrap(func), "__globals__", {})
    hints = {}
    for name, annotation in inspect.get_annotations(func).items():
        alone = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            hints.update(typing.get_type_hints(alone, names, include_extras=True))
        except Exception:  # noqa: BLE001  # an annotation can be any code
            hints[name] = _Unresolved
    return hints
