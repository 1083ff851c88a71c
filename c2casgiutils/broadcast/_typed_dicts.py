"""Support for `TypedDict` annotations that pydantic does not accept or would truncate."""

import types
import typing
from typing import Any

from typing_extensions import TypedDict, is_typeddict

_make_typed_dict: Any = TypedDict


def supported(annotation: Any) -> Any:
    """Return the annotation with each `TypedDict` replaced by one that pydantic accepts and keeps complete.

    Before Python 3.12 pydantic accepts only those of `typing_extensions`
    (https://docs.pydantic.dev/latest/errors/usage_errors/#typed-dict-version). It drops unknown keys,
    although such a dictionary may have them (PEP 589, "Type consistency").

    Raises:
        NameError: The annotation of a field cannot be resolved.
    """
    return _replace(annotation, {})


def _replace(annotation: Any, done: dict[Any, Any]) -> Any:
    if is_typeddict(annotation):
        return done.get(annotation) or _replace_typed_dict(annotation, done)
    arguments = typing.get_args(annotation)
    replaced = tuple(_replace(argument, done) for argument in arguments)
    if all(new is old for new, old in zip(replaced, arguments, strict=True)):
        return annotation
    origin: Any = typing.get_origin(annotation)
    if origin is types.UnionType:
        origin = typing.Union
    (first, *others) = replaced
    return origin[replaced if others else first]


def _replace_typed_dict(typed_dict: Any, done: dict[Any, Any]) -> Any:
    # Register it before its fields are processed: one of them may refer to the same type.
    new = done[typed_dict] = _make_typed_dict(typed_dict.__name__, {})
    hints = typing.get_type_hints(typed_dict, include_extras=True)
    new.__annotations__ = {name: _replace(hint, done) for name, hint in hints.items()}
    new.__required_keys__ = typed_dict.__required_keys__
    new.__optional_keys__ = typed_dict.__optional_keys__
    new.__pydantic_config__ = {"extra": "allow", **getattr(typed_dict, "__pydantic_config__", {})}
    return new
