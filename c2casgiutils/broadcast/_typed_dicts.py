"""The `TypedDict` of the standard library, for pydantic on Python 3.11."""

import sys
import types
import typing
from typing import Any

from typing_extensions import TypedDict

_make_typed_dict: Any = TypedDict


def supported(annotation: Any) -> Any:
    """Return the annotation with each `typing.TypedDict` replaced by one that pydantic accepts.

    Before Python 3.12 pydantic accepts only those of `typing_extensions`
    (https://docs.pydantic.dev/latest/errors/usage_errors/#typed-dict-version).

    Raises:
        NameError: A field has an annotation that cannot be resolved.
    """
    return annotation if sys.version_info >= (3, 12) else _replace(annotation, {})


def _replace(annotation: Any, done: dict[Any, Any]) -> Any:
    if typing.is_typeddict(annotation) and type(annotation).__module__ == "typing":
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
    # It must be known before its fields are looked at: one of them may be a dictionary of the same type.
    new = done[typed_dict] = _make_typed_dict(typed_dict.__name__, {})
    hints = typing.get_type_hints(typed_dict, include_extras=True)
    new.__annotations__ = {name: _replace(hint, done) for name, hint in hints.items()}
    new.__required_keys__ = typed_dict.__required_keys__
    new.__optional_keys__ = typed_dict.__optional_keys__
    if hasattr(typed_dict, "__pydantic_config__"):
        new.__pydantic_config__ = typed_dict.__pydantic_config__
    return new
