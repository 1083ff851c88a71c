"""Grades after the MDN HTTP Observatory, and the console script."""

import sys
from pathlib import Path

import pytest

from c2casgiutils.headers import ArmorHeaderMiddleware, grade
from c2casgiutils.scripts.grade import main
from tests.support.asgi import call, make_scope
from tests.unit.headers.test_armor import HTML, answer

GOOD = {
    "Content-Security-Policy": "default-src 'self'",
    "X-Frame-Options": "DENY",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}


def test_nothing() -> None:
    """No header at all."""
    result = grade({})
    assert (result.score, result.letter) == (30, "D")
    assert {finding.header for finding in result.findings if finding.modifier < 0} == {
        k.lower() for k in GOOD
    }


def test_two_values() -> None:
    score, findings = grade(GOOD)
    assert score == 105
    assert [finding.modifier for finding in findings if finding.modifier] == [5]


async def test_default_set() -> None:
    """The default set gets the best letter."""
    messages = await call(ArmorHeaderMiddleware(answer(headers=HTML)), make_scope(headers=[("host", "a.ch")]))
    headers = [(name.decode(), value.decode()) for name, value in messages[0]["headers"]]
    assert grade(headers) == (120, grade(headers).findings)
    assert grade(headers).letter == "A+"


CHANGES = [
    ("Content-Security-Policy", "default-src 'none'; form-action 'none'", 110),
    ("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'", 110),
    ("Content-Security-Policy", "default-src 'self'; style-src 'unsafe-inline'", 100),
    ("Content-Security-Policy", "default-src 'self'; script-src 'unsafe-inline'", 80),
    ("Content-Security-Policy", "default-src 'self'; script-src 'unsafe-inline' 'nonce-x'", 105),
    ("Content-Security-Policy", "default-src 'self'; script-src https:", 80),
    ("Content-Security-Policy", "default-src 'self'; script-src 'self' 'unsafe-eval'", 90),
    ("Content-Security-Policy", "default-src 'self'; img-src http://x.ch", 90),
    ("Content-Security-Policy", "default-src 'self'; font-src http://x.ch", 80),
    ("Content-Security-Policy", "img-src 'self'", 80),
    ("Content-Security-Policy", " ; ", 75),
    ("X-Frame-Options", "SAMEORIGIN", 105),
    ("X-Frame-Options", "ALLOW-FROM https://x.ch", 80),
    ("Strict-Transport-Security", "max-age=3600", 95),
    ("Strict-Transport-Security", "includeSubDomains; max-age=63072000", 105),
    ("Strict-Transport-Security", "max-age=x", 80),
    ("X-Content-Type-Options", "sniff", 100),
    ("Referrer-Policy", "no-referrer", 110),
    ("Referrer-Policy", "no-referrer, unsafe-url", 100),
    ("Referrer-Policy", "whatever", 100),
    ("Cross-Origin-Resource-Policy", "same-site", 115),
    ("Cross-Origin-Resource-Policy", "cross-origin", 105),
    ("Cross-Origin-Resource-Policy", "none", 100),
    ("Access-Control-Allow-Origin", "*", 105),
    ("X-Powered-By", "snake oil", 105),
    ("Set-Cookie", "session=1; Secure; HttpOnly; SameSite=Lax", 110),
    ("Set-Cookie", "session=1; Secure; HttpOnly", 105),
    ("Set-Cookie", "session=1; Secure", 70),
    ("Set-Cookie", "session=1; HttpOnly", 95),
    ("Set-Cookie", "theme=1", 100),
    ("Set-Cookie", "theme=1; Secure; SameSite=x", 80),
    ("Set-Cookie", "csrftoken=1; Secure", 80),
]


@pytest.mark.parametrize(("name", "value", "score"), CHANGES)
def test_score(name: str, value: str, score: int) -> None:
    """One header at a time; a bonus only counts from 90 points on."""
    assert grade({**GOOD, name: value}).score == score


def test_more() -> None:
    """Pairs of headers that count together, and cookies without HSTS."""
    sharing = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"}
    assert grade({**GOOD, **sharing}).score == 50
    without = {name: value for name, value in GOOD.items() if name != "Strict-Transport-Security"}
    assert grade({**without, "Set-Cookie": "session=1"}).score == 40
    cookies = [("Set-Cookie", "a=1; Secure; SameSite=Lax"), ("set-cookie", "session=1; Secure")]
    assert grade([*GOOD.items(), *cookies]).score == 70
    policies = [("content-security-policy", "img-src *"), ("content-security-policy", "default-src 'self'")]
    assert grade([*GOOD.items(), *policies]).score == 105


@pytest.fixture
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The import string of an application in the current folder."""
    (tmp_path / "graded_application.py").write_text(
        "from c2casgiutils.headers import ArmorHeaderMiddleware\n"
        "from starlette.applications import Starlette\n"
        "bare = Starlette()\n"
        "class Nested:\n"
        "    app = ArmorHeaderMiddleware(Starlette())\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delitem(sys.modules, "graded_application", raising=False)
    return "graded_application"


@pytest.mark.parametrize(
    ("attribute", "arguments", "code"),
    [("bare", [], 1), ("bare", ["/x", "--threshold", "30"], 0), ("Nested.app", ["/x"], 0)],
)
def test_script(
    application: str, attribute: str, arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code tells whether the score reaches the threshold."""
    with pytest.raises(SystemExit) as ended:
        main([f"{application}:{attribute}", *arguments])
    assert ended.value.code == code
    assert f"{arguments[0] if arguments else '/'} answered 404: " in capsys.readouterr().out


@pytest.mark.parametrize("import_string", ["nothing", "no.such:app", "sys:no_such", ":app"])
def test_script_without_application(import_string: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([import_string])
    assert ended.value.code == 2
    assert import_string in capsys.readouterr().err
