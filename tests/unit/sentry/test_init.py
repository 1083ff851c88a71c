"""The settings reach the SDK, and events reach an ingest server."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk

from c2casgiutils import config, sentry
from c2casgiutils._outages import OutageError
from tests.support.fake_sentry import FakeSentry
from tests.support.fresh import run_fresh


def configure(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"C2C__SENTRY__{name}", value)
    config.settings = config.Settings()


def init_with(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    configure(monkeypatch, **variables)
    sentry.init()


def capture(fake: FakeSentry) -> dict[str, Any]:
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        sentry_sdk.capture_exception(error)
    sentry_sdk.flush(10)
    return fake.wait_for_events()[-1]


def test_without_a_dsn_it_is_off(fake_sentry: FakeSentry) -> None:
    assert sentry.init() is False
    assert sentry.is_active() is False


def test_an_exception_arrives(fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, DSN=fake_sentry.dsn)
    assert sentry.init() is True
    event = capture(fake_sentry)
    assert event["exception"]["values"][0]["type"] == "ZeroDivisionError"
    assert event["environment"] == "production"


def test_the_variable_of_the_sdk_counts_where_ours_is_unset(
    fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTRY_DSN", fake_sentry.dsn)
    monkeypatch.setenv("SENTRY_ENVIRONMENT", "staging")
    monkeypatch.setenv("SENTRY_RELEASE", "7.1")
    assert sentry.init() is True
    event = capture(fake_sentry)
    assert (event["environment"], event["release"]) == ("staging", "7.1")


def test_our_variable_wins(fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_ENVIRONMENT", "staging")
    monkeypatch.setenv("SENTRY_RELEASE", "7.1")
    configure(monkeypatch, DSN=fake_sentry.dsn, ENVIRONMENT="integration", RELEASE="8.0")
    sentry.init()
    event = capture(fake_sentry)
    assert (event["environment"], event["release"]) == ("integration", "8.0")


SETTINGS: dict[str, tuple[str, object]] = {
    "DEBUG": ("true", True),
    "RELEASE": ("1.2", "1.2"),
    "ENVIRONMENT": ("test", "test"),
    "DIST": ("slim", "slim"),
    "SAMPLE_RATE": ("0.5", 0.5),
    "IGNORE_ERRORS": ("KeyError,ValueError", ["KeyError", "ValueError", OutageError]),
    "MAX_BREADCRUMBS": ("3", 3),
    "ATTACH_STACKTRACE": ("true", True),
    "SEND_DEFAULT_PII": ("true", True),
    "INCLUDE_SOURCE_CONTEXT": ("false", False),
    "INCLUDE_LOCAL_VARIABLES": ("false", False),
    "ADD_FULL_STACK": ("true", True),
    "MAX_STACK_FRAMES": ("7", 7),
    "SERVER_NAME": ("web", "web"),
    "PROJECT_ROOT": ("/srv", "/srv"),
    "IN_APP_INCLUDE": ("a,b", ["a", "b"]),
    "IN_APP_EXCLUDE": ("c", ["c"]),
    "MAX_REQUEST_BODY_SIZE": ("small", "small"),
    "MAX_VALUE_LENGTH": ("99", 99),
    "CA_CERTS": ("/etc/ssl/certs/ca.pem", "/etc/ssl/certs/ca.pem"),
    "SEND_CLIENT_REPORTS": ("false", False),
    "TRACES_SAMPLE_RATE": ("0.25", 0.25),
}


@pytest.mark.parametrize("name", list(SETTINGS))
def test_each_setting_reaches_the_sdk(
    fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    text, value = SETTINGS[name]
    configure(monkeypatch, **{"DSN": fake_sentry.dsn, name: text})
    sentry.init()
    assert sentry_sdk.get_client().options[name.lower()] == value


def test_no_setting_is_forgotten_here() -> None:
    ours = {"dsn", "event_scrubber", "ignored_loggers", "integrations", "level", "options", "tags"}
    assert {name.lower() for name in SETTINGS} | ours == set(type(config.settings.sentry).model_fields)


@pytest.mark.parametrize("scrubber", ["default", "sentry_sdk.scrubber:EventScrubber"])
def test_events_arrive_with_each_scrubber(
    fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch, scrubber: str
) -> None:
    configure(monkeypatch, DSN=fake_sentry.dsn, EVENT_SCRUBBER=scrubber)
    sentry.init()
    assert capture(fake_sentry)["exception"]


@pytest.mark.parametrize("scrubber", ["nowhere.at_all:Scrubber", "json:dumps", "true"])
def test_a_wrong_scrubber_ends_the_start(monkeypatch: pytest.MonkeyPatch, scrubber: str) -> None:
    with pytest.raises(config.ConfigurationError, match="C2C__SENTRY__EVENT_SCRUBBER"):
        configure(monkeypatch, DSN="http://key@127.0.0.1:9/1", EVENT_SCRUBBER=scrubber)


@pytest.mark.parametrize("dsn", ["nonsense", "http://127.0.0.1/1", "ftp://key@127.0.0.1/1"])
def test_a_wrong_dsn_ends_the_start(monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    configure(monkeypatch, DSN=dsn)
    with pytest.raises(config.ConfigurationError, match="C2C__SENTRY__DSN"):
        sentry.init()


def test_tags_are_on_events_and_transactions(
    fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, DSN=fake_sentry.dsn, TAG_TEAM="maps", TAG_EMPTY="", TRACES_SAMPLE_RATE="1")
    sentry.init()
    with sentry_sdk.start_transaction(name="work"):
        pass
    event = capture(fake_sentry)
    assert event["tags"]["team"] == "maps"
    assert fake_sentry.transactions[0]["tags"]["team"] == "maps"


def test_records_of_ignored_loggers_are_no_events(
    fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, DSN=fake_sentry.dsn, IGNORED_LOGGERS="noisy.of.the.test")
    sentry.init()
    logging.getLogger("noisy.of.the.test").error("not sent")
    logging.getLogger("other.of.the.test").error("sent")
    sentry_sdk.flush(10)
    assert [event["logentry"]["message"] for event in fake_sentry.wait_for_events()] == ["sent"]


@pytest.mark.parametrize(("level", "sent"), [("WARNING", ["warning", "error"]), ("CRITICAL", [])])
def test_the_level_of_events(
    fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch, level: str, sent: list[str]
) -> None:
    configure(monkeypatch, DSN=fake_sentry.dsn, LEVEL=level)
    sentry.init()
    logging.getLogger("of.the.test").warning("warning")
    logging.getLogger("of.the.test").error("error")
    sentry_sdk.capture_message("end")
    sentry_sdk.flush(10)
    events = fake_sentry.wait_for_events(len(sent) + 1)
    assert [event["logentry"]["message"] for event in events if "logentry" in event] == sent


def test_an_invalid_level_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(config.ConfigurationError, match="C2C__SENTRY__LEVEL"):
        configure(monkeypatch, LEVEL="loud")


def test_further_options(fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "{keep_alive: true, shutdown_timeout: 5, trace_propagation_targets: [example.com]}"
    configure(monkeypatch, DSN=fake_sentry.dsn, OPTIONS=text)
    sentry.init(shutdown_timeout=1)
    options = sentry_sdk.get_client().options
    assert (options["keep_alive"], options["shutdown_timeout"]) == (True, 1)
    assert options["trace_propagation_targets"] == ["example.com"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "keep_alife: true", "keep_alife is not an option of the SDK, did you mean keep_alive?", id="name"
        ),
        pytest.param("keep_alive: sure", "keep_alive must be of the type bool", id="no flag"),
        pytest.param("shutdown_timeout: true", "shutdown_timeout must be of the type int", id="no number"),
        pytest.param("trace_propagation_targets: x", "must be of the type list", id="no list"),
        pytest.param("before_send: a.b:c", "is Python code, pass it to sentry.init", id="code"),
        pytest.param("sample_rate: 0.5", "a setting of its own, C2C__SENTRY__SAMPLE_RATE", id="setting"),
        pytest.param("{keep_alive", "must be a mapping in YAML", id="no YAML"),
        pytest.param("keep_alive", "C2C__SENTRY__OPTIONS", id="no mapping"),
        pytest.param("1: 2", "C2C__SENTRY__OPTIONS", id="no name"),
    ],
)
def test_invalid_options_end_the_start(
    fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    with pytest.raises(config.ConfigurationError, match="C2C__SENTRY__OPTIONS") as caught:
        init_with(monkeypatch, DSN=fake_sentry.dsn, OPTIONS=text)
    assert problem in str(caught.value)


def test_integrations_by_name(fake_sentry: FakeSentry) -> None:
    """Some are enabled, others disabled, also one whose package is not installed."""
    variables = {"DSN": fake_sentry.dsn} | {
        f"INTEGRATIONS__{name}": value
        for name, value in {"ARGV": "false", "SYS_EXIT": "1", "PYRAMID": "0"}.items()
    }
    done = run_fresh(
        "import sentry_sdk\nfrom c2casgiutils import sentry\nassert sentry.init()\n"
        "client = sentry_sdk.get_client()\n"
        "print(*[name for name in ('argv', 'sys_exit', 'logging') if client.get_integration(name)])",
        env={f"C2C__SENTRY__{name}": value for name, value in variables.items()},
    )
    assert (done.stdout.split(), done.stderr) == (["sys_exit", "logging"], "")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("NOTHING", "true", "is not one of the SDK's integrations: aiohttp, "),
        ("PYRAMID", "true", "cannot be enabled"),
        ("ASGI", "true", "cannot be enabled or disabled by name"),
        ("REDIS", "perhaps", ""),
    ],
)
def test_invalid_integrations_end_the_start(
    fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    with pytest.raises(config.ConfigurationError, match=f"C2C__SENTRY__INTEGRATIONS.*{name}") as caught:
        init_with(monkeypatch, **{"DSN": fake_sentry.dsn, f"INTEGRATIONS__{name}": value})
    assert problem in str(caught.value)


def test_exceptions_of_a_block(fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported once and raised; without Sentry it is only raised."""
    with pytest.raises(ZeroDivisionError), sentry.capture_exceptions():
        _ = 1 / 0
    configure(monkeypatch, DSN=fake_sentry.dsn)
    sentry.init()
    with pytest.raises(ZeroDivisionError), sentry.capture_exceptions():
        _ = 1 / 0
    sentry_sdk.flush(10)
    (event,) = fake_sentry.wait_for_events()
    assert event["exception"]["values"][0]["type"] == "ZeroDivisionError"


def test_the_latest_release_is_no_release(fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tag of an image that moves names none: the hash does."""
    monkeypatch.setenv("GIT_HASH", "abc1234")
    configure(monkeypatch, DSN=fake_sentry.dsn, RELEASE="latest")
    sentry.init()
    assert capture(fake_sentry)["release"] == "abc1234"


@pytest.mark.parametrize(
    ("main", "variable", "expected"),
    [
        pytest.param({"git_hash": "abc1234", "git_tag": "2.3"}, "fff", "2.3", id="tag of the file"),
        pytest.param({"git_hash": "abc1234"}, "fff", "abc1234", id="hash of the file"),
        pytest.param(None, "fff0000", "fff0000", id="variable"),
    ],
)
def test_release(  # noqa: PLR0917
    fake_sentry: FakeSentry,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    main: dict[str, str] | None,
    variable: str,
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_HASH", variable)
    if main is not None:
        (tmp_path / "versions.json").write_text(json.dumps({"main": main, "packages": {}}))
    configure(monkeypatch, DSN=fake_sentry.dsn)
    sentry.init()
    assert capture(fake_sentry)["release"] == expected


async def test_a_failing_task_is_reported_after_enabling_asyncio(
    fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise RuntimeError("in a task")

    configure(monkeypatch, DSN=fake_sentry.dsn)
    sentry.init()
    sentry.enable_asyncio()
    with pytest.raises(RuntimeError):
        await asyncio.get_running_loop().create_task(fail())
    await asyncio.to_thread(sentry_sdk.flush, 10)
    event = fake_sentry.wait_for_events()[0]
    assert event["exception"]["values"][0]["mechanism"]["type"] == "asyncio"


def test_close_switches_it_off(fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, DSN=fake_sentry.dsn)
    sentry.init()
    sentry.close()
    assert sentry.is_active() is False


def test_without_the_sdk_a_dsn_ends_the_start() -> None:
    done = run_fresh(
        "import sys; sys.modules['sentry_sdk'] = None\nfrom c2casgiutils import sentry; sentry.init()",
        env={"C2C__SENTRY__DSN": "http://key@127.0.0.1:9/1"},
    )
    assert done.returncode == 3
    assert done.stderr == ("C2C__SENTRY__DSN: needs the package sentry-sdk, install c2casgiutils[sentry]\n")


def test_importing_it_does_not_import_the_sdk() -> None:
    done = run_fresh(
        "import sys, c2casgiutils.sentry as s; s.is_active(); print('sentry_sdk' in sys.modules)"
    )
    assert done.stdout == "False\n", done.stderr


def test_ignored_errors_of_the_application_are_added(
    fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keywords of `init` win over the settings, and still an outage is no event."""
    configure(monkeypatch, DSN=fake_sentry.dsn, IGNORE_ERRORS="KeyError")
    sentry.init(ignore_errors=[ValueError])
    assert sentry_sdk.get_client().options["ignore_errors"] == [ValueError, OutageError]
