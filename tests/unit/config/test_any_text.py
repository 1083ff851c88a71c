"""Whatever stands in a variable: settings, or lines that name it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2casgiutils import config
from c2casgiutils.config._environment import variables

NAMES = [name for name, _ in variables(config.Settings)]
GROUPS = ["C2C__REDIS", "C2C__SENTRY", "C2C__AUTH__JWT", "C2C__SENTRY__TAG_X"]
TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40)
NEARLY = st.from_regex(r"[-+PTYMDWHS0-9hmswd.,:=\[\]{}\"'/@a ]{0,12}", fullmatch=True)


@settings(deadline=None, derandomize=True)
@given(name=st.sampled_from([*NAMES, *GROUPS]), text=TEXT | NEARLY, other=TEXT)
def test_any_text_is_read_or_refused(name: str, text: str, other: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, text)
        patch.setenv("C2C__SENTRY__TAG_OTHER", other)
        try:
            config.Settings()
        except config.ConfigurationError as error:
            (problem,) = error.problems
            assert problem.startswith(name)  # most texts are no error
            assert "\n" not in problem


@pytest.mark.parametrize("value", ["[" * 20_000, "{a: " * 20_000, "2001-99-99", "9" * 5000])
@pytest.mark.parametrize("name", ["C2C__REDIS__OPTIONS", "C2C__SENTRY__OPTIONS"])
def test_yaml_that_python_cannot_make(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what is accepted: for what is nested too deeply, and for dates and numbers of no size."""
    monkeypatch.setenv(name, f"a={value}" if "REDIS" in name else f"{{a: {value}}}")
    with pytest.raises(config.ConfigurationError) as raised:
        config.Settings()
    (problem,) = raised.value.problems
    assert problem.startswith(f"{name}: ")
    assert "YAML" in problem
    assert len(problem) < 100


@settings(deadline=None, derandomize=True)
@given(TEXT | NEARLY)
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        assert config.parse_duration(text) >= config.parse_duration("0")
    except ValueError as error:
        assert str(error).startswith("Invalid time delta: ")  # noqa: PT017


def test_tags_beside_a_group_of_another_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2C__SENTRY__TAG_X", "y")
    for text in ("[1]", "5", '{"tags": [1]}', '{"tags": "a"}'):
        monkeypatch.setenv("C2C__SENTRY", text)
        with pytest.raises(config.ConfigurationError, match=r"^C2C__SENTRY"):
            config.Settings()
    for text, tags in (('{"tags": {"a": "b"}}', {"a": "b", "x": "y"}), ('{"tags": null}', {"x": "y"})):
        monkeypatch.setenv("C2C__SENTRY", text)
        assert config.Settings().sentry.tags == tags
