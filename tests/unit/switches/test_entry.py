"""Entries of the store."""

import json
from typing import Any

import pytest

from c2casgiutils.redis_utils import Signer
from c2casgiutils.switches._entry import Codec, EntryError
from c2casgiutils.switches._kinds import Setting

NOW = 1_800_000_000.5
SECRET = "a secret"
FIELD = "level:app.db"


def sign(fields: Any, *, field: str = FIELD, secret: str | None = None) -> bytes:
    """An entry as another release may have written it."""
    text = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return Signer("c2casgiutils switches", secret).sign(field, text)


@pytest.mark.parametrize("secret", [SECRET, None])
def test_round_trip(secret: str | None) -> None:
    """All that was set is read again."""
    codec = Codec(secret)
    setting = Setting({"a": [1, "ü"]}, 7, NOW, NOW + 60, "alice", "a test")
    entry = codec.decode(FIELD, codec.encode(FIELD, 7, setting, NOW).raw, NOW)
    assert entry.setting == setting
    assert entry.in_force(NOW + 59) == setting
    assert entry.in_force(NOW + 60) is None


def test_a_removal_is_an_entry_without_a_value() -> None:
    """It is kept for a week, so that no older value comes back."""
    entry = Codec(None).encode(FIELD, 7, None, NOW)
    assert entry.in_force(NOW) is None
    assert not entry.is_forgettable(NOW + 6 * 86_400)
    assert entry.is_forgettable(NOW + 8 * 86_400)


@pytest.mark.parametrize(
    ("older", "cleared", "kept_seconds"),
    [
        pytest.param(0.0, 0, 60, id="the first value"),
        pytest.param(NOW + 600, 0, 600, id="an older value ended later"),
        pytest.param(None, 0, 7 * 86_400, id="an older value has no end"),
        pytest.param(0.0, 3, 7 * 86_400, id="the values of instances were removed"),
    ],
)
def test_how_long_an_ended_value_is_kept(older: float | None, cleared: int, kept_seconds: float) -> None:
    """A value that ended is forgotten soon, unless an older one could come back."""
    setting = Setting("red", 7, NOW, NOW + 60)
    entry = Codec(None).encode(FIELD, 7, setting, NOW, older=older, cleared=cleared)
    assert not entry.is_forgettable(NOW + 60 + kept_seconds - 1)
    assert entry.is_forgettable(NOW + 60 + kept_seconds)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param(b"", "malformed", id="empty"),
        pytest.param(b"\xff\xfe", "malformed", id="bytes"),
        pytest.param(b"DEBUG", "malformed", id="text"),
        pytest.param(sign([]), "malformed", id="list"),
        pytest.param(sign(b'{"f":1,"version":'), "malformed", id="half"),
        pytest.param(sign(b"[" * 4000), "malformed", id="deep"),
        pytest.param(sign({"f": 1, "set": 1.0, "value": 1}), "malformed", id="no version"),
        pytest.param(sign({"f": 1, "version": "7", "set": 1.0}), "malformed", id="version as text"),
        pytest.param(sign({"f": 1, "version": 0, "set": 1.0}), "malformed", id="version zero"),
        pytest.param(sign({"f": 1, "version": 2**53, "set": 1.0}), "malformed", id="version too large"),
        pytest.param(sign({"f": 1, "version": 2**53 - 1, "set": 1.0}), "in the future", id="far version"),
        pytest.param(sign({"f": 9, "version": 2**53 - 1}), "in the future", id="far version, newer format"),
        pytest.param(sign({"f": 1, "version": 7, "set": 1e300}), "malformed", id="no date"),
        pytest.param(sign({"f": 1, "version": 7, "set": 1.0, "expires": 1e300}), "malformed", id="no end"),
        pytest.param(sign({"f": 0, "version": 7, "set": 1.0}), "malformed", id="no such format"),
        pytest.param(sign(b'{"f":1,"version":7,"set":NaN}'), "malformed", id="nan"),
        pytest.param(sign(b'{"f":1,"version":7,"set":1e999}'), "malformed", id="infinite"),
        pytest.param(sign({"f": 1, "version": 7, "set": 1.0, "by": 3}), "malformed", id="by is a number"),
        pytest.param(sign({"f": 1, "version": 7, "set": 1.0, "value": "x" * 9000}), "too large", id="large"),
        pytest.param(sign({"f": 1, "version": 7, "set": 1.0}, field="level:other"), "", id="other field"),
    ],
)
def test_bad_entries(raw: bytes, problem: str) -> None:
    """What cannot be read is an error of one kind, without a secret."""
    if not problem:
        assert Codec(None).decode(FIELD, raw, NOW).version == 7
        return
    with pytest.raises(EntryError, match=problem):
        Codec(None).decode(FIELD, raw, NOW)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(sign({"f": 1, "version": 7, "set": 1.0}), id="unsigned"),
        pytest.param(sign({"f": 1, "version": 7, "set": 1.0}, secret="another"), id="another secret"),
        pytest.param(sign({"f": 1, "version": 7, "set": 1.0}, field="level:x", secret=SECRET), id="moved"),
    ],
)
def test_signatures(raw: bytes) -> None:
    """With a secret only what is signed for this field is accepted."""
    with pytest.raises(EntryError, match="C2C__REDIS__BROADCAST_SECRET"):
        Codec(SECRET).decode(FIELD, raw, NOW)


@pytest.mark.parametrize("field", ["level", "", ":", ":key", "level:" + "x" * 2000])
def test_bad_fields(field: str) -> None:
    """A field is `<kind>:<key>`."""
    with pytest.raises(EntryError):
        Codec(None).decode(field, sign({"f": 1, "version": 7, "set": 1.0}, field=field), NOW)


def test_entries_of_newer_releases_are_kept_as_they_are() -> None:
    """A field that is not known is ignored; a format that is not known makes the value unreadable."""
    more = sign({"f": 1, "version": 7, "set": 1.0, "value": "DEBUG", "colour": "red"})
    entry = Codec(None).decode(FIELD, more, NOW)
    assert entry.setting is not None
    assert (entry.setting.value, entry.raw) == ("DEBUG", more)
    newer = sign({"f": 2, "version": 7, "anything": None})
    entry = Codec(None).decode(FIELD, newer, NOW)
    assert (entry.setting, entry.version, entry.raw, entry.is_known_format) == (None, 7, newer, False)


@pytest.mark.parametrize(
    ("setting", "key", "problem"),
    [
        pytest.param(Setting("x" * 5000, 1, NOW), "a", "the value has 5002 bytes", id="long value"),
        pytest.param(Setting(object(), 1, NOW), "a", "not JSON", id="not JSON"),
        pytest.param(Setting(float("nan"), 1, NOW), "a", "not JSON", id="nan"),
        pytest.param(Setting(1, 1, NOW, reason="x" * 201), "a", "must have at most 200", id="long reason"),
        pytest.param(Setting(1, 1, NOW, reason="a\nb"), "a", "printable", id="line break"),
        pytest.param(Setting(1, 1, NOW), "x" * 201, "the key must have at most", id="long key"),
    ],
)
def test_what_cannot_be_stored(setting: Setting, key: str, problem: str) -> None:
    """The error says what is accepted."""
    with pytest.raises(ValueError, match=problem):
        Codec(None).encode(f"level:{key}", 1, setting, NOW)
