"""Refuse a name that could not be the name of a Python package, before anything is written."""

import keyword
import re
import sys

SLUG = {{ cookiecutter.project_slug | tojson }}
TAKEN = {"alembic", "c2casgiutils", "fastapi", "migrations", "pydantic", "sqlalchemy", "tests", "uvicorn"}


def problem(slug: str) -> str | None:
    """What is wrong with the name, or None."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", slug):
        return "use lower case letters, digits and _, starting with a letter"
    if slug.endswith("_") or "__" in slug:
        return "no _ at the end, and no two of them in a row"
    if keyword.iskeyword(slug) or keyword.issoftkeyword(slug):
        return "this is a word of Python itself"
    if slug in sys.stdlib_module_names or slug in TAKEN:
        return "there is a Python package of this name already"
    return None


if __name__ == "__main__" and (wrong := problem(SLUG)):
    sys.stderr.write(f"project_slug {SLUG!r} cannot be used: {wrong}\n")
    sys.exit(1)
