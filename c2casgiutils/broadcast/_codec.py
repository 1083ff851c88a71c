"""Python values as JSON and back, with and without types.

Without types, anything that pydantic can serialise can be sent, and plain JSON values arrive. With types
(`decorate`), parameters and results arrive as their annotations say.
"""

from typing import Any

import pydantic_core
from pydantic import TypeAdapter
from pydantic_core import SchemaSerializer, SchemaValidator
from pydantic_core.core_schema import CoreConfig

from c2casgiutils._errors import C2cError
from c2casgiutils.broadcast._typed_dicts import supported

MAX_MESSAGE_BYTES = 1024 * 1024
"""Maximum size of a message; sending a larger one raises an error."""

_WIRE_CONFIG: CoreConfig = {
    "ser_json_bytes": "base64",
    "val_json_bytes": "base64",
    "ser_json_inf_nan": "constants",
}
_SCHEMAS_WITH_CONFIG = frozenset({"model", "dataclass", "typed-dict"})
_VALUES = frozenset({"default", "metadata", "expected", "members"})
"""Keys of a core schema that hold values given by the user, not schemas."""


class CodecError(C2cError, ValueError):
    """A value cannot be sent, or received data is not of the expected type."""


def encode(value: Any) -> bytes:
    """Return any value that pydantic can serialise as JSON.

    Raises:
        CodecError: The value cannot be serialised, or is too large.
    """
    try:
        return pydantic_core.to_json(value, bytes_mode="base64", inf_nan_mode="constants")
    except (pydantic_core.PydanticSerializationError, ValueError, RecursionError) as error:
        raise CodecError(f"cannot be sent as JSON: {error}") from error


def decode(data: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        CodecError: The text is not valid JSON.
    """
    try:
        return pydantic_core.from_json(data)
    except ValueError as error:
        raise CodecError(f"not valid JSON: {error}") from error


def check_size(data: bytes) -> bytes:
    """Return the data unchanged.

    Raises:
        CodecError: The data is too large.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise CodecError(f"the message has {len(data)} bytes, at most {MAX_MESSAGE_BYTES} are allowed")
    return data


class TypedValue:
    """A type with support for arbitrary bytes and floats, also inside of models.

    Args:
        annotation: Any type that `pydantic.TypeAdapter` accepts.

    Raises:
        TypeError: Pydantic cannot build a schema for it.
    """

    def __init__(self, annotation: Any) -> None:
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(supported(annotation))
            schema = _with_wire_config(self._adapter.core_schema)
        except Exception as error:  # a class may run any code to build its schema
            raise TypeError(f"{annotation!r} cannot be sent: {error}") from error
        # The serializers and validators of the models themselves would ignore this configuration.
        self._serializer = SchemaSerializer(schema, _WIRE_CONFIG, _use_prebuilt=False)
        self._validator = SchemaValidator(schema, _WIRE_CONFIG, _use_prebuilt=False)

    def encode(self, value: Any) -> bytes:
        """Return a value of the type as JSON.

        Raises:
            CodecError: The value is not of the type, or cannot be serialised.
        """
        try:
            return self._serializer.to_json(value, warnings="error")
        except (pydantic_core.PydanticSerializationError, ValueError, RecursionError) as error:
            raise CodecError(f"cannot be sent: {error}") from error

    def decode(self, data: bytes) -> Any:
        """Return the value of a JSON text.

        Raises:
            CodecError: The value is not of the type.
        """
        try:
            return self._validator.validate_json(data)
        except Exception as error:  # validators are code of the application
            raise CodecError(f"not of the expected type: {error}") from error

    def convert(self, value: Any) -> Any:
        """Convert a Python value to the type.

        Raises:
            CodecError: It cannot be converted.
        """
        try:
            return self._adapter.validate_python(value)
        except Exception as error:  # validators are code of the application
            raise CodecError(f"not of the expected type: {error}") from error


def _with_wire_config(schema: Any) -> Any:
    """Return a core schema in which models, dataclasses and typed dictionaries use our configuration."""
    if isinstance(schema, dict):
        result = {key: value if key in _VALUES else _with_wire_config(value) for key, value in schema.items()}
        if schema.get("type") in _SCHEMAS_WITH_CONFIG:
            result["config"] = {**(schema.get("config") or {}), **_WIRE_CONFIG}
        return result
    if isinstance(schema, list | tuple):
        return type(schema)([_with_wire_config(item) for item in schema])
    return schema
