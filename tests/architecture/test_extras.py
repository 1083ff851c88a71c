"""The extras that pyproject.toml promises."""

import re
import tomllib
from pathlib import Path

_PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
_EXTRAS: dict[str, list[str]] = _PROJECT["optional-dependencies"]


def packages(extra: str) -> set[str]:
    """The packages that an extra brings, those of the extras it names included."""
    found = set[str]()
    for requirement in _EXTRAS[extra]:
        own = re.match(r"c2casgiutils\[(.*)\]", requirement)
        names = own[1].split(",") if own else []
        found |= (
            set().union(*(packages(name) for name in names)) if own else {re.split(r"[\[>=]", requirement)[0]}
        )
    return found


def test_all_is_what_production_needs() -> None:
    """A server, the drivers and each feature; the helpers for tests are left out."""
    everything = set().union(*(packages(extra) for extra in _EXTRAS))
    assert packages("all") == everything - packages("acceptance")


def test_standard_brings_a_server_and_the_drivers() -> None:
    assert packages("standard") == {"uvicorn", "psycopg", "aiosqlite"}
