"""The comparison of the settings of processes."""

import itertools

import pytest

from c2casgiutils import config
from c2casgiutils.debug import Fingerprints, compare_settings, fingerprints

KEY = "0123456789abcdef-signs"


def answer(nonce: str = "n", *, key: str | None = KEY, **auth: str) -> Fingerprints:
    """The answer of a process with these settings."""
    config.settings = config.Settings(
        redis={"broadcast_secret": key, "broadcast_prefix": "mine_"} if key else {}, auth=auth
    )
    return fingerprints(nonce)


def differing(*answers: Fingerprints) -> dict[str, bool | None]:
    return {one.name: one.differs for one in compare_settings(list(answers)) if one.differs is not False}


def test_same() -> None:
    """Processes with the same settings do not differ, nor does one alone, with a key or without."""
    assert differing(answer(secret="one"), answer(secret="one")) == {}
    assert differing(answer(secret="one")) == {}
    assert differing(answer(secret="one", key=None)) == {}


def test_secret_differs() -> None:
    """Another value is found, of a secret too, in one process of several."""
    answers = answer(secret="one"), answer(secret="one"), answer(secret="two")
    assert differing(*answers) == {"C2C__AUTH__SECRET": True}


def test_without_a_key() -> None:
    """Without a key secrets are not compared, other settings are."""
    answers = answer(secret="one", key=None), answer(secret="one", key=None, public_url="https://a.example")
    found = differing(*answers)
    assert found.pop("C2C__AUTH__PUBLIC_URL") is True
    assert set(found.values()) == {None}
    assert "C2C__AUTH__SECRET" in found
    assert {value for one in answers for name, value in one.settings.items() if name in found} == {None}


def test_unknown_setting() -> None:
    """A setting that another release does not have is not compared with it."""
    first, second = answer(), answer()
    del second.settings["C2C__HTTP"]
    second.settings["C2C__NEW"] = "x"
    assert differing(first, second) == {}


@pytest.mark.parametrize("value", ["short", "é\u20ac", "x" * 10_000])
def test_fingerprint_tells_nothing(value: str) -> None:
    """A fingerprint depends on the setting, the comparison and the key, and has always the same length."""
    found = [
        answer("1", secret=value).settings["C2C__AUTH__SECRET"],
        answer("2", secret=value).settings["C2C__AUTH__SECRET"],
        answer("1", secret=value, key="another-key-0123456789").settings["C2C__AUTH__SECRET"],
    ]
    assert all(isinstance(one, str) and len(one) == 32 for one in found)
    assert all(one != other for one, other in itertools.combinations(found, 2))


def test_equal_values_have_different_fingerprints() -> None:
    """That two settings of a process have the same value cannot be seen."""
    found = answer(secret="same-secret-of-both", public_url="").settings
    config.settings.prometheus.bearer = "same-secret-of-both"
    found = fingerprints("n").settings
    assert found["C2C__AUTH__SECRET"] != found["C2C__PROMETHEUS__BEARER"]
