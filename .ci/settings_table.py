"""Write the table of all settings between two markers of docs/settings.md, or compare it.

usage: settings_table.py [--check] [FILE]
"""  # noqa: INP001  # a script

import argparse
import datetime
import enum
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from c2casgiutils import config
from c2casgiutils.config._environment import variables
from c2casgiutils.config._types import MaskedStr, parse_duration

NAMES = {bool: "boolean", int: "number", float: "number", str: "text", datetime.timedelta: "duration"}
UNITS = {unit: parse_duration(f"1{unit}") for unit in ("d", "h", "m", "s", "ms")}


def kind(annotation: Any, metadata: tuple[Any, ...]) -> str:
    """The type of a setting in words."""
    if get_origin(annotation) in {types.UnionType, Union}:
        inner = next(part for part in get_args(annotation) if part is not type(None))
        return kind(inner, ())
    if hasattr(annotation, "__metadata__"):
        return kind(annotation.__origin__, annotation.__metadata__)
    if any(getattr(item, "func", None) is MaskedStr for item in metadata):
        return "secret"
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    origin = get_origin(annotation) or annotation
    return {list: "list", dict: "pairs"}.get(origin) or NAMES.get(origin, "text")


def default(field: FieldInfo) -> str:
    """The default as one would write it in the environment."""
    value = field.default
    if value is PydanticUndefined:
        return "the working directory"
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, datetime.timedelta):
        unit, length = next(
            (unit, length) for unit, length in UNITS.items() if value % length == datetime.timedelta()
        )
        return f"`{value // length}{unit}`"
    if isinstance(value, list):
        return f"`{','.join(map(str, value))}`"
    return f"`{value.value if isinstance(value, enum.Enum) else value}`"


def settings() -> Iterator[tuple[str, FieldInfo]]:
    """All variables in the order of the code."""
    yield from variables(config.Settings)
    for name, field in config.Logging.model_fields.items():
        if field.validation_alias is None:
            yield name.upper(), field


def table() -> str:
    """The whole table in Markdown."""
    lines = ["| Variable | Type | Default | Meaning |", "|---|---|---|---|"]
    for variable, field in settings():
        name, type_ = variable, kind(field.annotation, tuple(field.metadata))
        if name == "C2C__SENTRY__TAGS":
            name, type_ = "C2C__SENTRY__TAG_<NAME>", "text"
        if name == "C2C__SENTRY__INTEGRATIONS":
            name, type_ = "C2C__SENTRY__INTEGRATIONS__<NAME>", "boolean"
        cells = f"`{name}`", type_, default(field), field.description or ""
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def update(file: Path, name: str, new: str, *, check: bool) -> None:
    """Write a table between `<!-- name -->` and `<!-- /name -->`, or only compare it."""
    old = file.read_text()
    before, start, rest = old.partition(f"<!-- {name} -->")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    if not start or not end:
        sys.exit(f"{file}: no <!-- {name} --> … <!-- /{name} -->")
    text = f"{before}{start}\n\n{new}\n\n{end}{after}"
    if check and text != old:
        sys.exit(f"{file}: the table of the {name} is not that of the code; run make settings")
    if text != old:
        file.write_text(text)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("file", nargs="?", type=Path, default=Path(__file__).parents[1] / "docs/settings.md")
    arguments = parser.parse_args()
    update(arguments.file, "settings", table(), check=arguments.check)


if __name__ == "__main__":
    main()
