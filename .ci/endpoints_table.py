"""Write the tables of the requests and of their models into docs/endpoints.md, or compare them.

They are made from the OpenAPI document of the mounted application; the levels are those of docs/security.md.

usage: endpoints_table.py [--check] [FILE]
"""  # noqa: INP001  # a script

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from settings_table import update

from c2casgiutils._app import create_app

DOCS = Path(__file__).parents[1] / "docs"
NAMES = {"string": "text", "integer": "number", "null": "null", "array": "list", "object": "object"}
FORMATS = {"date-time": "time", "binary": "file"}
LEVEL = re.compile(r"^\| `([A-Z]+ /\S*)` \| ([^|]+?) \|", re.MULTILINE)


def kind(schema: dict[str, Any]) -> str:
    """The type of a value in words, with a link to a model."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind(part) for part in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if "prefixItems" in schema:
        return f"list of {len(schema['prefixItems'])} values"
    name = FORMATS.get(schema.get("format", "")) or NAMES.get(
        schema.get("type", ""), schema.get("type", "any")
    )
    of = schema.get("items") or schema.get("additionalProperties")
    return f"{name} of {kind(of)}" if isinstance(of, dict) and of else name


def paragraph(text: str) -> str:
    """The first paragraph of a description, in one line of a table."""
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")


def answers(operation: dict[str, Any]) -> str:
    """What a successful request returns."""
    found = []
    for status, answer in operation["responses"].items():
        if status >= "400":
            continue
        kinds = [kind(content.get("schema", {})) for content in answer.get("content", {}).values()]
        shown = " or ".join(text for text in kinds if text != "any")
        found.append(shown if status == "200" else f"{status} {shown}".strip())
    return "; ".join(filter(None, found))


def body(operation: dict[str, Any]) -> str:
    """What a request sends."""
    contents = operation.get("requestBody", {}).get("content", {})
    return " or ".join(kind(content["schema"]) for media, content in contents.items() if "json" in media)


def requests(document: dict[str, Any], levels: dict[str, str]) -> Iterator[str]:
    """The rows of the requests."""
    yield "| Request | Level | What it does | Body | Answer |"
    yield "|---|---|---|---|---|"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            request = f"{method.upper()} {path}"
            query = [item["name"] for item in operation.get("parameters", []) if item["in"] == "query"]
            parameters = f" `?{'=&'.join(query)}=`" if query else ""
            meaning = paragraph(operation["description"])
            cells = f"`{request}`{parameters}", levels[request], meaning, body(operation), answers(operation)
            yield f"| {' | '.join(cells)} |"


def models(document: dict[str, Any]) -> Iterator[str]:
    """A table for each model."""
    for name, schema in sorted(document["components"]["schemas"].items()):
        if name.endswith("ValidationError"):
            continue
        text = schema.get("description", "")
        attributes = dict(re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", text, re.MULTILINE))
        yield f"\n### {name}\n"
        if text:
            yield f"{paragraph(text)}\n"
        if not schema.get("properties"):
            yield f"It is {kind(schema)}."
            continue
        yield "| Field | Type | Meaning |"
        yield "|---|---|---|"
        for field, value in schema["properties"].items():
            meaning = paragraph(value.get("description") or attributes.get(field, ""))
            yield f"| `{field}` | {kind(value)} | {meaning} |"


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("file", nargs="?", type=Path, default=DOCS / "endpoints.md")
    arguments = parser.parse_args()
    document = create_app().openapi()
    try:
        rows = "\n".join(requests(document, dict(LEVEL.findall((DOCS / "security.md").read_text()))))
    except KeyError as error:
        sys.exit(f"docs/security.md: no level of {error}")
    update(arguments.file, "requests", rows, check=arguments.check)
    update(arguments.file, "models", "\n".join(models(document)).strip(), check=arguments.check)


if __name__ == "__main__":
    main()
