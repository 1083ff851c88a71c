"""What is refused, with which words; and what is found by name."""

import datetime
import sys
import types
from typing import Any

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

from c2casgiutils import config, db
from c2casgiutils._app import create_app
from tests.support.fresh import run_fresh

PASSWORD = "very-secret"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"url": f"mysql://u:{PASSWORD}@h/d"}, "url: must be a URL that starts with", id="mysql"),
        pytest.param({"url": f"postgresql+psycopg2://u:{PASSWORD}@h/d"}, "postgresql://", id="not async"),
        pytest.param({"url": f"postgresql://u:{PASSWORD}@h:port/d"}, "url: is not a valid URL", id="port"),
        pytest.param({"url": PASSWORD}, "url: must be", id="no URL"),
        pytest.param({"url": f"postgresql://u:a@b/{PASSWORD}@h/d"}, "percent-encoded", id="not encoded"),
        pytest.param({"read_only_url": f"x://{PASSWORD}"}, "read_only_url: must be", id="replica"),
        pytest.param({"force_read_write": ["GET /(", "/"]}, r"'GET /\(' is not a regular", id="rule"),
        pytest.param({"force_read_only": ["*"]}, "is not a regular expression", id="other rule"),
        pytest.param({"name": "a b"}, "name: must be of letters", id="name"),
        pytest.param({"max_lag": datetime.timedelta(seconds=1)}, "max_lag: needs a PostgreSQL", id="lag"),
        pytest.param({"sticky": datetime.timedelta(seconds=1)}, "needs C2C__AUTH__JWT__SECRET", id="sticky"),
    ],
)
def test_refused(arguments: dict[str, Any], message: str) -> None:
    """With one line, which does not contain the password."""
    with pytest.raises(db.DatabaseConfigurationError, match=message) as caught:
        db.Database(**{"url": "sqlite:///x.db", **arguments})
    assert PASSWORD not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://u@h/d", "sqlite:////tmp/x.db"])
def test_the_driver_is_chosen(url: str) -> None:
    database = db.Database(url)
    assert database.engines.read_write.dialect.is_async


def test_a_url_as_an_object() -> None:
    """Whatever its password is."""
    database = db.Database(URL.create("postgresql", "u", "a b/@:%", "h", database="d"))
    assert database.engines.read_write.url.password == "a b/@:%"


def test_neither_repr_nor_errors_show_the_url() -> None:
    assert PASSWORD not in repr(db.Database(f"postgresql://u:{PASSWORD}@h/d"))


@pytest.mark.parametrize(("name", "is_async"), [("oracle", True), ("sqlite", False)])
def test_engines_of_another_kind_are_refused(name: str, is_async: bool) -> None:
    class Engine:
        dialect = types.SimpleNamespace(name=name, is_async=is_async)

    with pytest.raises(db.DatabaseConfigurationError, match=f"{name}: accepted are async engines of"):
        db.Database.from_engines(Engine())  # type: ignore[arg-type]  # a made-up one


async def test_found_by_name() -> None:
    """The last one of a name; without any the message says what to do."""
    engine = create_async_engine("sqlite+aiosqlite://")
    first = db.Database.from_engines(engine, name="found")
    second = db.Database.from_engines(engine, name="found")
    assert db.get("found") is second is not first
    with pytest.raises(db.DatabaseConfigurationError, match="no database 'unknown': create it"):
        db.get("unknown")


def test_the_settings_are_taken_anew() -> None:
    """A change of `config.settings` takes effect at once."""
    config.settings = config.Settings(db={"url": "sqlite:///one.db"})
    one = db.get()
    assert db.get() is one
    config.settings = config.Settings(db={"url": "sqlite:///two.db"})
    assert str(db.get().engines.read_write.url) == "sqlite+aiosqlite:///two.db"


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        pytest.param({"C2C__DB__URL": f"oracle://u:{PASSWORD}@h"}, "C2C__DB__URL: must be a URL", id="kind"),
        pytest.param(
            {"C2C__DB__URL": f"postgresql://u:{PASSWORD}@h:x/d"}, "C2C__DB__URL: is not a valid", id="port"
        ),
        pytest.param({"C2C__DB__READ_ONLY__URL": "sqlite:///x"}, "C2C__DB__URL: is missing", id="primary"),
        pytest.param(
            {"C2C__DB__URL": "sqlite:///x", "C2C__DB__READ_ONLY__URL": f"sqlite://{PASSWORD}:x/d"},
            "C2C__DB__READ_ONLY__URL: ",
            id="replica",
        ),
        pytest.param(
            {"C2C__DB__FORCE_READ_ONLY": "GET /a,("}, "C2C__DB__FORCE_READ_ONLY: '(' is not a", id="rule"
        ),
        pytest.param({"C2C__DB__POOL_SIZE": "0"}, "C2C__DB__POOL_SIZE: ", id="size"),
        pytest.param({"C2C__DB__STICKY": "5s"}, "C2C__DB__STICKY: needs C2C__AUTH__JWT__SECRET", id="sticky"),
        pytest.param({"C2C__DB__STICKY": "soon"}, "C2C__DB__STICKY: Invalid time delta", id="duration"),
        pytest.param({"C2C__DB__MAX_LAG": "5s"}, "C2C__DB__MAX_LAG: needs a PostgreSQL", id="lag"),
    ],
)
def test_a_wrong_setting_ends_the_start(
    settings: dict[str, str],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line on standard error that names the variable, and never a password."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert line in _end_of_start(capsys)


def _end_of_start(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(config.ConfigurationError):
        _start()
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert PASSWORD not in error
    return error


def _start() -> None:
    settings = config.Settings()
    settings.check()
    create_app(settings)


@pytest.mark.parametrize(
    ("package", "extra", "url"),
    [
        ("psycopg", "c2casgiutils[postgresql]", "postgresql://h/d"),
        ("aiosqlite", "c2casgiutils[sqlite]", "sqlite:///x"),
        ("asyncpg", "asyncpg", "postgresql+asyncpg://h/d"),
        ("sqlalchemy", "c2casgiutils[sqlalchemy]", "sqlite:///x"),
    ],
)
def test_a_missing_driver_names_the_extra(
    package: str,
    extra: str,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("C2C__DB__URL", url)
    assert _end_of_start(capsys) == f"C2C__DB__URL: the package {package} is missing: install {extra}\n"


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    """Neither by the import, nor by an application without a database."""
    code = "import sys, c2casgiutils; c2casgiutils.db.Database; c2casgiutils.app\n"
    done = run_fresh(code + "assert 'sqlalchemy' not in sys.modules")
    assert done.returncode == 0, done.stderr
