"""The extras that pyproject.toml promises."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

_ROOT = Path(__file__).parents[2]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
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


def test_lowest_versions_are_locked() -> None:
    """`make test-lowest` tests the versions that pyproject.toml names, and each dependency names one."""
    texts = [*_PROJECT["dependencies"], *(text for extra in _EXTRAS.values() for text in extra)]
    requirements = [one for one in map(Requirement, texts) if one.name != "c2casgiutils"]
    lock = (_ROOT / "requirements.lowest.lock").read_text()
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    bounds = {canonicalize_name(one.name): str(one.specifier) for one in requirements}
    assert len(bounds) > 20
    differing = {
        name: (bound, locked.get(name))
        for name, bound in bounds.items()
        if not _is_lowest(bound, locked[name])
    }
    assert differing == {}


def _is_lowest(bound: str, version: str) -> bool:
    return bound.startswith(">=") and Version(bound.removeprefix(">=")) == Version(version)
