"""The public interface, frozen in `public.txt`."""

import ast
import pkgutil
import re
from pathlib import Path

import pytest

import c2casgiutils
from c2casgiutils.config._environment import OLDER_NAMES
from tests.support.public import FILE, ROOT, changes, public_lines
from tests.support.public_metrics import makers, making_modules

DEPRECATED = dict(
    re.findall(r"^\| `(\S+)` \| `(\S+)` \|", (ROOT / "docs" / "deprecations.md").read_text(), re.MULTILINE)
)


def test_nothing_changed() -> None:
    """No name, parameter, default, setting, view, body or command comes, goes or changes unnoticed."""
    found = changes(FILE.read_text(encoding="utf-8").splitlines(), public_lines())
    if found:
        lines = "\n".join(found)
        pytest.fail(f"the public interface changed; accept it by `make public`:\n{lines}", pytrace=False)


def test_what_is_frozen() -> None:
    """Each kind of thing that an application relies on is in the list."""
    lines = set(public_lines())
    assert {
        "c2casgiutils.app",
        "async c2casgiutils.drain(*, seconds=None, force=False)",
        "class c2casgiutils.broadcast.Asked(id, reply_to)",
        "C2C__REDIS__DB = 0",
        "C2C__AUTH__COOKIE -> C2C__AUTH__JWT__COOKIE__NAME",
        "GET /logging/level(name) -> 200, 422 [c2c_logging_level]",
        "<prefix>db_pool_connections{database, engine, state} gauge",
        "<prefix>database_table_size{schema, table} gauge",
        "$ c2casgiutils-wait alembic --config",
        "$ c2casgiutils-wait -> 0, 1, 2, 3, 130, 143",
        "$ c2casgiutils levels --ttl",
        "$ c2casgiutils -> 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12",
        "c2casgiutils[all]",
    } <= lines


def test_each_command_has_exit_codes() -> None:
    """In its help, from which the list has them."""
    lines = public_lines()
    commands = {line for line in lines if re.fullmatch(r"\$ [\w-]+", line)}
    assert {
        line.partition(" -> ")[0] for line in lines if " -> " in line and line.startswith("$")
    } == commands


def test_each_metric_is_in_the_list() -> None:
    """A module that makes a metric is known to what lists them."""
    assert making_modules() == set(makers())


def test_a_change_is_shown_as_two_lines() -> None:
    before = ["a.f(x)", "a.g()", "a.h()"]
    assert changes(before, ["a.f(x, *, y=1)", "a.g()", "a.i"]) == [
        "- a.f(x)",
        "+ a.f(x, *, y=1)",
        "- a.h()",
        "+ a.i",
    ]


def deprecation_warnings() -> int:
    """How many statements of the package give a `DeprecationWarning`."""
    sources = [path.read_text() for path in Path(c2casgiutils.__file__).parent.rglob("*.py")]
    calls = [node for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    texts = [ast.unparse(call) for call in calls]
    return len([text for text in texts if text.startswith("warnings.warn(") and "DeprecationWarning" in text])


def test_deprecated_names_are_documented() -> None:
    """The page about deprecations lists the names that warn, and no other."""
    settings = {name: newer for name, newer in DEPRECATED.items() if name.startswith("C2C__")}
    assert settings == OLDER_NAMES
    assert len(DEPRECATED) - len(settings) == deprecation_warnings()


@pytest.mark.parametrize("name", [name for name in DEPRECATED if not name.startswith("C2C__")])
def test_deprecated_names_warn(name: str) -> None:
    """Each is what replaces it, and says so where it is used."""
    with pytest.warns(DeprecationWarning, match=f"^{name} is deprecated, use {DEPRECATED[name]}$") as caught:
        value = pkgutil.resolve_name(name)
    assert value is pkgutil.resolve_name(DEPRECATED[name])
    assert len(caught) == 1
