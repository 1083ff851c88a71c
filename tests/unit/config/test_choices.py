"""Settings that are a choice of few words."""

import enum
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args, get_origin

import pytest

from c2casgiutils import config
from c2casgiutils.config._environment import variables
from tests.support.auth import KEY


def _choices_of(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [value for value in get_args(annotation) if isinstance(value, str)]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [member.value for member in annotation]
    return [value for part in get_args(annotation) for value in _choices_of(part)]


def _all_choices() -> Iterator[tuple[str, str]]:
    for model, prefix in ((config.Settings, "C2C__"), (config.Logging, "")):
        for name, field in variables(model, prefix):
            for choice in _choices_of(field.annotation):
                yield name, choice


CHOICES = list(_all_choices())
FORMS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "blanks": lambda text: f" {text.swapcase()}\t",
}


def _read(name: str) -> Any:
    if not name.startswith("C2C__"):
        return getattr(config.Logging(), name.lower())
    value: Any = config.Settings()
    for part in name.removeprefix("C2C__").lower().split("__"):
        value = getattr(value, part)
    return value


def test_choices_are_found() -> None:
    """The table below has the settings that are known to be a choice."""
    found = {name for name, _ in CHOICES}
    assert found >= {
        "C2C__AUTH__JWT__ALGORITHM",
        "C2C__AUTH__JWT__COOKIE__SAME_SITE",
        "C2C__AUTH__GITHUB__ACCESS_TYPE",
        "C2C__AUTH__GITHUB__ACCESS_TYPE_ADMIN",
        "C2C__PROXY_HEADERS__TYPE",
        "C2C__HEALTH__DETAILS",
        "C2C__SENTRY__MAX_REQUEST_BODY_SIZE",
        "LOG_LEVEL",
        "LOG_TYPE",
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("name", "choice"), CHOICES)
def test_any_case(monkeypatch: pytest.MonkeyPatch, name: str, choice: str, form: str) -> None:
    """Each choice is read in any case, with blanks around it too, and is always the same value."""
    monkeypatch.setenv(name, FORMS[form](choice))
    assert _read(name) == choice


@pytest.mark.parametrize("name", sorted({name for name, _ in CHOICES}))
def test_other_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Any other word ends the start with a line that names the setting and what is accepted."""
    monkeypatch.setenv(name, "nonsense")
    with pytest.raises(config.ConfigurationError):
        _read(name)
    line = capsys.readouterr().err
    assert line.startswith(f"{name}: ")
    assert all(choice in line for other, choice in CHOICES if other == name)


def test_algorithm_in_lower_case_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signature is that of the algorithm, whatever the case that it was written in."""
    import time

    from jwt.api_jws import PyJWS

    from c2casgiutils.auth import _tokens

    monkeypatch.setenv("C2C__AUTH__JWT__ALGORITHM", "hs512")
    monkeypatch.setenv("C2C__AUTH__JWT__SECRET", KEY)
    config.settings = config.Settings()
    token = _tokens.make(_tokens.Kind.SESSION, "x", {}, expires_at=int(time.time()) + 60)
    assert PyJWS().get_unverified_header(token)["alg"] == "HS512"
    assert _tokens.unseal(_tokens.Kind.SESSION, token, longest_seconds=60).sub == "x"
