"""Each command of the command line in each situation: one line, and the exit code of the situation."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from c2casgiutils.scripts import _service
from c2casgiutils.scripts._service import Code, Service
from c2casgiutils.scripts.command import main
from tests.support.canned import Answer, canned_server
from tests.support.certificates import make_certificate
from tests.support.scripts import call

DOCS = Path(__file__).parents[3] / "docs"
SECRET = "a-word-that-is-never-shown"
PASSWORD = "another-word-that-is-never-shown"
REPORT = {"asked": 2, "answered": 2, "missing": [], "failed": [], "lost": [], "complete": True}
PARTIAL = {
    **REPORT,
    "answered": 1,
    "missing": [{"hostname": "web", "pid": 7, "reason": "timeout"}],
    "complete": False,
}
CHANGED = {"name": "app", "level": "DEBUG", "effective_level": "DEBUG"}
BEAT = {"id": "web:7:abc", "state": "ready", "liveness": "ok", "version": "1", "beat_age_seconds": 0.2}

COMMANDS: dict[str, tuple[str, ...]] = {
    "health": ("health",),
    "instances": ("instances",),
    "levels": ("levels",),
    "a logger": ("levels", "app"),
    "search": ("levels", "--search=app"),
    "set": ("levels", "app", "DEBUG"),
    "end": ("levels", "app", "--end"),
    "stacks": ("stacks",),
    "drain": ("drain", "--instance=all"),
    "undo": ("drain", "--undo"),
}
SITUATIONS: dict[str, tuple[Answer, Code, str]] = {
    "a wrong parameter": (
        Answer(422, {"detail": [{"loc": ["query", "level"], "msg": "is unknown"}]}),
        Code.REFUSED,
        "level: is unknown",
    ),
    "refused": (Answer(409, {"detail": "It is the last one"}), Code.REFUSED, "It is the last one"),
    "not rights enough": (Answer(403, {"detail": "Only admins"}), Code.FORBIDDEN, "Only admins"),
    "a wrong secret": (Answer(401, {"detail": "Sign in"}), Code.FORBIDDEN, "Sign in"),
    "a proxy with a password": (Answer(401, "<html>"), Code.FORBIDDEN, "401 from /c2c/"),
    "a page": (Answer(200, "<html>\x1b[31m"), Code.NOT_OURS, "not a c2casgiutils service"),
    "no page": (Answer(404, "<html>"), Code.NOT_OURS, "not a c2casgiutils service"),
    "no route": (Answer(404, {"detail": "Not Found"}), Code.NOT_OURS, "not a c2casgiutils service"),
    "no such process": (Answer(404, {"message": "No web:7:abc"}), Code.REFUSED, "No web:7:abc"),
    "nothing": (Answer(200, ""), Code.NOT_OURS, "not a c2casgiutils service"),
    "a redirect": (Answer(302, "", {"Location": "/login"}), Code.NOT_OURS, "redirects"),
    "an object of others": (Answer(200, {"status": "UP"}), Code.NOT_OURS, "not a c2casgiutils service"),
    "a list of others": (Answer(200, [1, {"a": 2}]), Code.NOT_OURS, "not a c2casgiutils service"),
    "a word of others": (Answer(200, "true"), Code.NOT_OURS, "not a c2casgiutils service"),
    "nulls": (
        Answer(200, dict.fromkeys(["state", "instances", "overrides", "loggers", "groups", "cluster"])),
        Code.NOT_OURS,
        "not a c2casgiutils service",
    ),
    "a redirect to nowhere": (Answer(302, ""), Code.NOT_OURS, "not a c2casgiutils service"),
    "nothing new": (Answer(304, ""), Code.NOT_OURS, "not a c2casgiutils service"),
    "very deep": (Answer(200, "[" * 100_000), Code.NOT_OURS, "not a c2casgiutils service"),
    "errors of others": (Answer(422, {"detail": [1, {"loc": []}, None]}), Code.REFUSED, "?: None"),
    "escape sequences": (Answer(400, {"detail": "\x1b]0;x\x07\x9b2J\u202e"}), Code.REFUSED, "\ufffd]0;x"),
    "errors without places": (Answer(422, {"detail": [{"loc": 5}, {"loc": {}}]}), Code.REFUSED, "?: None"),
    "an error": (Answer(500, {"detail": f"no {SECRET}"}), Code.FAILED, "500 from /c2c/"),
    "a proxy without a service": (Answer(502, "<html>"), Code.FAILED, "502 from /c2c/"),
    "without Redis": (Answer(503, {"detail": "Redis is unreachable"}), Code.FAILED, "Redis is unreachable"),
}
PARTIAL_ANSWERS: dict[str, Any] = {
    "health": {"state": "ok", "attention": [], "cluster": PARTIAL},
    "instances": {"scope": "cluster", "roster": "stale", "skipped": 0, "instances": [BEAT]},
    "levels": {"scope": "cluster", "cluster": PARTIAL, "overrides": []},
    "set": {**CHANGED, "cluster": {**PARTIAL, "applied": 1, "of": 2}},
    "end": {**CHANGED, "cluster": {**PARTIAL, "applied": 1, "of": 2}},
    "stacks": {"groups": [], "left_out": 0, "cluster": PARTIAL},
    "drain": {"drained": ["web:7:abc"], "cluster": PARTIAL},
    "undo": {"drained": [], "cluster": PARTIAL},
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("C2C_URL", "C2C__AUTH__SECRET", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("C2C_SECRET", SECRET)
    monkeypatch.setenv("COLUMNS", "200")


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The only line on standard error, of printable characters and without a secret."""
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.isprintable()
    assert line.startswith("c2casgiutils: ")
    assert not re.search(f"{SECRET}|{PASSWORD}|Traceback", out + err)
    return str(line)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_failures(situation: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the server says, each command ends with one line, as a table and as JSON."""
    answer, code, text = SITUATIONS[situation]
    with canned_server(answer) as url:
        for name, arguments in COMMANDS.items():
            for form in ((), ("--json",)):
                assert call(main, "--url", f"{url}/c2c", *form, *arguments) == code, name
                assert text in one_line(capsys)


_OTHER: dict[str, Any] = {
    "a number": 5,
    "numbers": [1],
    "empty objects": [{}],
    "wrong types": [{"kind": [], "since": "x", "expires": "x", "beat_age_seconds": "x", "where": 1}],
}


@pytest.mark.parametrize("other", _OTHER)
def test_other_forms(other: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Answers that are ours at a glance end with one line, not with a traceback."""
    lists = dict.fromkeys(
        ["attention", "instances", "loggers", "overrides", "groups", "drained"], _OTHER[other]
    )
    answer = {**CHANGED, "state": "ok", "roster": "current", "cluster": {"missing": 5}, **lists}
    with canned_server(Answer(200, answer)) as url:
        for name, arguments in COMMANDS.items():
            assert call(main, "--url", f"{url}/c2c", *arguments) == Code.NOT_OURS, name
            assert "not a c2casgiutils service" in one_line(capsys)


def test_an_endless_answer(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that never ends is waited for, nor one that fills the memory is read."""
    monkeypatch.setattr(_service, "_MAX_BYTES", 100_000)
    monkeypatch.setattr(_service, "_SECONDS", 3)
    with canned_server(Answer(200, " " * 200_000)) as url:
        assert call(main, "--url", f"{url}/c2c", "health") == Code.NOT_OURS
        assert "the answer is endless" in one_line(capsys)
    with canned_server(Answer(200, " ", drip=True)) as url:
        assert call(main, "--url", f"{url}/c2c", "health") == Code.UNREACHABLE
        assert "no complete answer within 3 s" in one_line(capsys)


def test_arguments_that_cannot_be_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes that are not UTF-8, and more than a URL can hold."""
    for arguments in (
        ("levels", "\udcff"),
        ("levels", "a" * 70_000),
        ("levels", "a", "DEBUG", "--reason=\udcff"),
    ):
        assert call(main, "--url", "http://127.0.0.1:1/c2c", *arguments) == Code.USAGE
        assert "an argument is too long or not valid UTF-8" in one_line(capsys)


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "JSON"])
@pytest.mark.parametrize("name", PARTIAL_ANSWERS)
def test_partial_answers(name: str, form: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Where not all processes answered, the answer is printed, and one line says who is missing."""
    with canned_server(Answer(200, PARTIAL_ANSWERS[name])) as url:
        assert call(main, "--url", f"{url}/c2c", *form, *COMMANDS[name]) == Code.INCOMPLETE
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    expected = "Redis is unreachable" if name == "instances" else "web:7 did not answer (timeout)"
    assert line.startswith(f"c2casgiutils: {expected}")
    if form:
        assert json.loads(out) == PARTIAL_ANSWERS[name]


@pytest.mark.parametrize(
    ("state", "report", "code"),
    [
        ("ok", REPORT, Code.OK),
        ("degraded", REPORT, Code.DEGRADED),
        ("down", REPORT, Code.DOWN),
        ("down", PARTIAL, Code.DOWN),
        ("of a later release", REPORT, Code.DOWN),
    ],
)
def test_health(state: str, report: object, code: Code, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is the state of the service; that of a missing answer does not hide it."""
    with canned_server(Answer(200, {"state": state, "attention": [], "cluster": report})) as url:
        assert call(main, "--url", f"{url}/c2c", "health") == code
        assert capsys.readouterr().out.startswith(f"The service is {state}.")
        assert call(main, "--url", f"{url}/c2c", "--json", "health") == code
        assert json.loads(capsys.readouterr().out)["state"] == state


@pytest.mark.parametrize(
    ("liveness", "state", "code"),
    [
        ("ok", "ready", Code.OK),
        ("ok", "draining", Code.DEGRADED),
        ("late", "ready", Code.DEGRADED),
        ("lost", "ready", Code.DOWN),
        ("lost", "draining", Code.DOWN),
    ],
)
def test_instances(liveness: str, state: str, code: Code) -> None:
    """The exit code is the state of the worst process."""
    instances = [BEAT, {**BEAT, "liveness": liveness, "state": state}]
    answer = {"scope": "cluster", "roster": "current", "skipped": 0, "instances": instances}
    with canned_server(Answer(200, answer)) as url:
        assert call(main, "--url", f"{url}/c2c", "instances") == code


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_secret(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("C2C_SECRET")
    for status in (401, 403):
        with canned_server(Answer(status, {"detail": "Sign in"})) as url:
            assert call(main, "--url", f"{url}/c2c", *COMMANDS[command]) == Code.NO_SECRET
            assert "set C2C_SECRET" in one_line(capsys)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_server(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that nobody listens on, with a password in the URL."""
    assert call(main, "--url", f"http://me:{PASSWORD}@127.0.0.1:1/c2c", *COMMANDS[command]) == 3
    assert "http://127.0.0.1:1/c2c/ is unreachable: " in one_line(capsys)


@pytest.mark.parametrize("command", COMMANDS)
def test_certificates(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A certificate that nobody vouches for has a code of its own, and nothing is sent."""
    with canned_server(Answer(200, {}), make_certificate(tmp_path, days=10)) as url:
        assert call(main, "--url", f"{url}/c2c", *COMMANDS[command]) == Code.TLS
        assert "CERTIFICATE_VERIFY_FAILED" in one_line(capsys)


def test_no_certificates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of certificates that does not exist, or holds none."""
    (tmp_path / "empty.pem").write_text("none")
    for name in ("missing.pem", "empty.pem"):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / name))
        assert call(main, "--url", "https://127.0.0.1:1/c2c", "health") == Code.USAGE
        assert "SSL_CERT_FILE" in one_line(capsys)


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://me:{PASSWORD}@host/c2c",
        f"me:{PASSWORD}@host",
        f"http://me:{PASSWORD}@host:port/c2c",
        f"http://me:{PASSWORD}@host:99999/c2c",
        f"http://me:{PASSWORD}@[::1/c2c",
        f"http://me:{PASSWORD}@/c2c",
        f"http://host/c2c?secret={PASSWORD}",
        f"http://host/c2c#{PASSWORD}",
        f"http://h\x7f{PASSWORD}",
    ],
)
def test_wrong_urls(url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong is said without the URL, which may have a password."""
    assert call(main, "--url", url, "health") == Code.USAGE
    assert "--url must be an HTTP URL" in one_line(capsys)
    monkeypatch.setenv("C2C_URL", url)
    assert call(main, "health") == Code.USAGE
    assert "--url must be an HTTP URL" in one_line(capsys)


@pytest.mark.parametrize("name", ["C2C_SECRET", "C2C__AUTH__SECRET", "GITHUB_TOKEN"])
def test_a_secret_with_a_line_break(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be sent, and is not shown."""
    monkeypatch.delenv("C2C_SECRET")
    monkeypatch.setenv(name, f"{SECRET}\nx")
    assert call(main, "--url", "http://127.0.0.1:1/c2c", "health") == Code.USAGE
    assert f"{name} has a line break" in one_line(capsys)


def test_a_broken_proxy(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in (f"socks9://me:{PASSWORD}@127.0.0.1:1", f"http://me:{PASSWORD}@127.0.0.1:port"):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert call(main, "--url", "http://service.invalid/c2c", "health") == Code.USAGE
        assert "HTTP_PROXY" in one_line(capsys)


def test_help_and_objects(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """No help and no object shows what the environment holds."""
    url = f"http://me:{PASSWORD}@127.0.0.1:1/c2c"
    monkeypatch.setenv("C2C_URL", url)
    for arguments in ((), *COMMANDS.values()):
        assert call(main, *arguments[:1], "--help") == 0
    out, err = capsys.readouterr()
    assert not re.search(f"{SECRET}|{PASSWORD}", out + err + repr(Service(url)) + repr(vars(Service(url))))


def test_documented_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """The page has a row for each code, the help a line."""
    section = (DOCS / "scripts.md").read_text().partition("## The command line")[2].partition("\n## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == sorted(Code)
    call(main, "--help")
    assert [int(code) for code in re.findall(r"^ *(\d+)  ", capsys.readouterr().out, re.MULTILINE)] == sorted(
        Code
    )
