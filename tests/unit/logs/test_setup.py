"""Logging that is completed: only what nothing else has configured."""

import logging
import types

import pytest

from c2casgiutils import config, logs
from tests.support.loggers import as_python_starts

LOGGERS = ("app_of_the_test", "c2casgiutils", "uvicorn", "sqlalchemy.engine")


def level_of(name: str) -> str:
    return logging.getLevelName(logging.getLogger(name).level)


@as_python_starts(*LOGGERS)
def test_nothing_was_configured(capsys: pytest.CaptureFixture[str]) -> None:
    """Records of the application are written with its level, those of others with theirs."""
    logs.complete("app_of_the_test")
    logging.getLogger("app_of_the_test.views").info("mine /?secret=hunter2")
    logging.getLogger("app_of_the_test.views").debug("details")
    logging.getLogger("other").info("chatter")
    logging.getLogger("other").warning("careful")
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("INFO     app_of_the_test.views mine /?secret=***")
    assert second.endswith("WARNING  other careful")


@as_python_starts(*LOGGERS)
def test_twice() -> None:
    """A second start adds no second handler."""
    logs.complete("app_of_the_test")
    logs.complete("app_of_the_test")
    assert len(logging.root.handlers) == 1


@as_python_starts(*LOGGERS)
def test_levels_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, level in {"LOG_LEVEL": "DEBUG", "SQL_LOG_LEVEL": "INFO", "OTHER_LOG_LEVEL": "ERROR"}.items():
        monkeypatch.setenv(name, level)
    logs.complete("app_of_the_test")
    assert level_of("app_of_the_test") == "DEBUG"
    assert level_of("sqlalchemy.engine") == "INFO"
    assert level_of("root") == "ERROR"


@as_python_starts(*LOGGERS, "uvicorn.access")
@pytest.mark.parametrize(("level", "expected"), [("", "INFO"), ("ERROR", "ERROR")])
def test_the_level_of_the_server(monkeypatch: pytest.MonkeyPatch, level: str, expected: str) -> None:
    """The server sets its own at the start, which gives way to `SERVER_LOG_LEVEL` only."""
    for name in ("uvicorn", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.INFO)
    monkeypatch.setenv("SERVER_LOG_LEVEL", level)
    monkeypatch.setenv("C2C_LOG_LEVEL", "DEBUG")
    logs.complete("app_of_the_test")
    assert level_of("uvicorn") == expected
    assert level_of("uvicorn.access") == expected
    assert level_of("c2casgiutils") == "DEBUG"


@as_python_starts(*LOGGERS)
def test_levels_that_were_set_stay() -> None:
    logging.root.setLevel(logging.INFO)
    logging.getLogger("app_of_the_test").setLevel(logging.ERROR)
    logs.complete("app_of_the_test")
    assert (level_of("root"), level_of("app_of_the_test")) == ("INFO", "ERROR")


@as_python_starts(*LOGGERS)
@pytest.mark.parametrize("logger", ["root", "app_of_the_test"])
def test_a_configuration_of_the_application_stays(logger: str) -> None:
    """Also with a `LOG_LEVEL` that means something else to the application."""
    own = logging.NullHandler()
    logging.getLogger(logger).addHandler(own)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LOG_LEVEL", "TRACE")
        logs.check("app_of_the_test")
        logs.complete("app_of_the_test")
    assert logging.root.handlers == ([own] if logger == "root" else [])
    assert [level_of(name) for name in LOGGERS] == ["NOTSET"] * len(LOGGERS)


@as_python_starts(*LOGGERS)
@pytest.mark.parametrize("formatter", [logs.ConsoleFormatter, logs.JsonFormatter])
def test_the_packaged_configuration_gets_the_level_of_the_application(
    formatter: type[logging.Formatter],
) -> None:
    """The file cannot know the application; its own levels stay."""
    own = logging.NullHandler()
    own.setFormatter(formatter())
    logging.root.addHandler(own)
    logging.root.setLevel(logging.ERROR)
    logs.complete("app_of_the_test")
    assert (level_of("app_of_the_test"), level_of("root")) == ("INFO", "ERROR")
    assert logging.root.handlers == [own]


@as_python_starts(*LOGGERS)
def test_the_setting_names_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """It wins over the package that calls."""
    monkeypatch.setenv("C2C__TOOLS__LOGGING__APPLICATION_MODULE", "app_of_the_test")
    logs.complete("launcher")
    assert (level_of("app_of_the_test"), level_of("launcher")) == ("INFO", "NOTSET")


@as_python_starts(*LOGGERS)
@pytest.mark.parametrize("function", [logs.check, logs.complete])
def test_a_wrong_level_ends_the_start(
    function: types.FunctionType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    with pytest.raises(SystemExit) as ended:
        function("app_of_the_test")
    assert ended.value.code == 3
    assert capsys.readouterr().err.startswith("LOG_LEVEL: ")
    assert not isinstance(ended.value, config.ConfigurationError)


@pytest.mark.parametrize(
    ("names", "package"),
    [
        pytest.param({"__name__": "main", "__package__": ""}, "main", id="module"),
        pytest.param({"__name__": "app.main", "__package__": "app"}, "app", id="module of a package"),
        pytest.param({"__name__": "app", "__package__": "app"}, "app", id="package"),
        pytest.param({"__name__": "__main__", "__package__": None}, "__main__", id="script"),
        pytest.param({"__name__": "__main__", "__package__": "app.web"}, "app", id="python -m"),
        pytest.param({}, "", id="nothing"),
    ],
)
def test_the_package_of_a_caller(names: dict[str, str | None], package: str) -> None:
    """The name of the uppermost logger that `getLogger(__name__)` leads to."""
    assert logs.package_of(names) == package
