"""The public interface as lines of text: Python names, settings, views with their bodies, metrics, commands.

`python -m tests.support.public` writes them to `tests/architecture/public.txt`.
"""

import difflib
import enum
import importlib
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from c2casgiutils._app import create_app
from c2casgiutils.config import Settings
from c2casgiutils.config._environment import OLDER_NAMES, variables
from tests.support.public_commands import command_lines
from tests.support.public_metrics import metric_lines

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests" / "architecture" / "public.txt"


def public_lines() -> list[str]:
    """Return one line for each thing that an application may rely on, in a stable order."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    seen = dict[type, str]()
    return [
        *(line for module in _modules() for line in _module_lines(module, seen)),
        *sorted(f"{name} = {_default(field)}" for name, field in variables(Settings)),
        *sorted(f"{older} -> {newer}" for older, newer in OLDER_NAMES.items()),
        *_view_lines(create_app().openapi()),
        *metric_lines(),
        *command_lines(),
        *sorted(f"c2casgiutils[{name}]" for name in project["optional-dependencies"]),
    ]


def changes(before: list[str], after: list[str]) -> list[str]:
    """Return the lines that are gone (`- …`) or new (`+ …`), each changed pair together."""
    return [line for line in difflib.ndiff(before, after) if line.startswith(("- ", "+ "))]


def _modules() -> Iterator[ModuleType]:
    """Return the package and the modules of the reference, with their public submodules."""
    yield importlib.import_module("c2casgiutils")
    reference = (ROOT / "docs" / "reference.md").read_text()
    for name in sorted(re.findall(r"^::: (c2casgiutils\.[a-z]\w*)$", reference, re.MULTILINE)):
        module = importlib.import_module(name)
        yield module
        for submodule in pkgutil.iter_modules(getattr(module, "__path__", []), f"{name}."):
            if not submodule.name.rpartition(".")[2].startswith("_"):
                yield importlib.import_module(submodule.name)


def _module_lines(module: ModuleType, seen: dict[type, str]) -> Iterator[str]:
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if name.isidentifier()  # not `Answer[Any]`, which pydantic adds
        and not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
    ]
    for name in sorted(names):
        path, value = f"{module.__name__}.{name}", getattr(module, name)
        if isinstance(value, type) and seen.setdefault(value, path) != path:
            yield f"{path} = {seen[value]}"
        else:
            yield from _object_lines(path, value)


def _object_lines(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, type):
        yield from _class_lines(path, value)
    elif inspect.isroutine(value):
        prefix = "async " if inspect.iscoroutinefunction(value) else ""
        yield f"{prefix}{path}{_signature(value)}"
    else:
        yield path


def _class_lines(path: str, cls: type) -> Iterator[str]:
    if issubclass(cls, enum.Enum):
        yield f"class {path}"
        yield from (f"{path}.{name} = {member.value!r}" for name, member in cls.__members__.items())
        return
    if issubclass(cls, BaseModel):
        cls.model_rebuild()  # pydantic sets the signature of a deferred model with its first object
    yield f"class {path}{_signature(cls)}"
    # What it inherits from a class of another library is that library's.
    own = [base for base in cls.__mro__ if base.__module__.startswith("c2casgiutils")]
    members = {name: member for base in reversed(own) for name, member in vars(base).items()}
    fields = {name for base in own for name in inspect.get_annotations(base)}
    for name in sorted({*members, *fields}):
        if name.startswith("_") or name == "model_config":
            continue
        member = inspect.getattr_static(cls, name, None)
        if isinstance(member, staticmethod | classmethod):
            member = getattr(cls, name)
        if inspect.isroutine(member):
            yield from _object_lines(f"{path}.{name}", member)
        else:
            yield f"{path}.{name}"


def _signature(function: Any) -> str:
    """Return the parameters with kinds and defaults; annotations have no effect on callers at run time."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return "(...)"
    parameters = [
        parameter.replace(
            annotation=parameter.empty,
            default=parameter.empty if parameter.default is parameter.empty else _Text(parameter.default),
        )
        for parameter in signature.parameters.values()
        if parameter.name != "self" and not parameter.name.startswith("_")
    ]
    return str(signature.replace(parameters=parameters, return_annotation=signature.empty))


class _Text:
    """A default without addresses of objects."""

    def __init__(self, value: object) -> None:
        self._text = re.sub(r" at 0x\w+", "", f"{value}" if isinstance(value, enum.Enum) else repr(value))

    def __repr__(self) -> str:
        return self._text


def _default(field: Any) -> str:
    return "<factory>" if field.default_factory else repr(_Text(field.default))


def _view_lines(document: dict[str, Any]) -> Iterator[str]:
    for path, operations in sorted(document["paths"].items()):
        for method, operation in sorted(operations.items()):
            yield _view_line(path, method, operation)
    for name, schema in sorted(document["components"]["schemas"].items()):
        required = schema.get("required", [])
        keys = [key if key in required else f"{key}?" for key in schema.get("properties", {})]
        yield f"{name} {{{', '.join(keys)}}}"


def _view_line(path: str, method: str, operation: dict[str, Any]) -> str:
    slug = re.sub(r"\W", "_", path)
    name = operation["operationId"].removesuffix(f"{slug}_{method}")
    parameters = [
        f"{parameter['name']}{'' if parameter.get('required') else '?'}"
        for parameter in operation.get("parameters", [])
        if parameter["in"] != "path"
    ]
    schema = re.search(r"'#/components/schemas/(\w+)'", str(operation.get("requestBody", "")))
    body = f" {schema[1]}" if schema else ""
    statuses = ", ".join(sorted(operation["responses"]))
    return f"{method.upper()} {path}({', '.join(parameters)}){body} -> {statuses} [{name}]"


if __name__ == "__main__":
    FILE.write_text("".join(f"{line}\n" for line in public_lines()), encoding="utf-8")
