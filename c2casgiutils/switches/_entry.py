r"""The format of stored switches: `<signature>\n<JSON>`, in the field `<kind>:<key>` of the hash.

An entry without a value marks a removed switch, so that older values held by other processes do not return.
"""

import json
from dataclasses import dataclass
from typing import Annotated, Any

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from c2casgiutils._errors import C2cError
from c2casgiutils._secrets import scrub
from c2casgiutils.config._texts import check_printable
from c2casgiutils.redis_utils import SignatureError, Signer
from c2casgiutils.switches._kinds import Setting

FORMAT = 1
MAX_VERSION = 2**53
"""Larger integers would lose digits in many JSON parsers."""
_MAX_AHEAD_SECONDS = 10 * 365 * 86_400.0
_MAX_TIME = 253_402_300_799
"""The end of the year 9999, the last one that a `datetime` has."""
MAX_VALUE_BYTES = 4096
MAX_KEY_LENGTH = 200
MAX_REASON_LENGTH = 200

_MAX_ENTRY_BYTES = 8192
_MAX_FIELD_BYTES = 1024
_MAX_BY_LENGTH = 200
_MAX_SHOWN_LENGTH = 200
_KEPT_SECONDS = 7 * 24 * 3600.0
"""How long a removed or ended entry is kept, to override older ones."""
_GRACE_SECONDS = 60.0
"""The same for an entry of which no older one can come back; clocks of processes differ a little."""
_LABEL = "c2casgiutils switches"


class EntryError(C2cError, ValueError):
    """An entry was not accepted; the text says why."""


class _Base(BaseModel):
    """The fields common to all formats."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)

    f: int = Field(ge=FORMAT)
    version: int = Field(gt=0, lt=MAX_VERSION)


_Time = Annotated[float, Field(ge=0, le=_MAX_TIME)]


class _Stored(_Base):
    """The current format."""

    value: Any = None
    set: _Time
    expires: _Time | None = None
    cleared: int = Field(default=0, ge=0, lt=MAX_VERSION)
    older: _Time | None = None
    by: str | None = Field(default=None, max_length=_MAX_BY_LENGTH)
    reason: str | None = Field(default=None, max_length=MAX_REASON_LENGTH)


@dataclass(frozen=True, slots=True)
class Entry:
    """The newest known entry of a switch.

    Attributes:
        field: `<kind>:<key>`.
        version: Of two entries of a field, the one with the larger version is valid.
        raw: The stored form, including fields of newer releases.
        setting: `None` if the switch was removed, or if the format is of a newer release.
        is_known_format: Whether this release supports the format.
        ends: When the value ends; `None` for no end.
        cleared: The version of the last removal, which ended the older values of single instances; it is
            carried on, as a process may miss the removal itself.
        older: When all older values of the field have ended, 0 if there were none; `None` if one has no end.
    """

    field: str
    version: int
    raw: bytes
    setting: Setting | None
    is_known_format: bool
    ends: float | None
    cleared: int = 0
    older: float | None = None

    def in_force(self, now: float) -> Setting | None:
        """Return the value, or `None` if there is none or it has ended."""
        return None if self.ends is not None and self.ends <= now else self.setting

    def is_forgettable(self, now: float) -> bool:
        """Return whether it ended, and no process can still hold an older entry that would come back.

        A removal, and a value after one, is kept in any case: it also ends values of single instances.
        """
        if self.ends is None:
            return False
        if self.older is None or self.cleared:
            return self.ends + _KEPT_SECONDS <= now
        return max(self.ends, self.older) + _GRACE_SECONDS <= now

    def all_ended(self) -> float | None:
        """Return when this value and all older ones have ended, `None` if one has no end."""
        return None if self.ends is None or self.older is None else max(self.ends, self.older)


def field_of(kind: str, key: str) -> str:
    """Return the field of a switch."""
    return f"{kind}:{key}"


def split(field: str) -> tuple[str, str]:
    """Return kind and key of a field."""
    kind, _, key = field.partition(":")
    return kind, key


def shown(text: str) -> str:
    """Return a text from Redis, such as the name of a field, as it may be logged: short, without secrets."""
    return scrub(text[:_MAX_SHOWN_LENGTH])


def is_plausible(version: int, now: float) -> bool:
    """Return whether a version is not so far ahead of its time that it leaves no room for larger ones.

    Args:
        version: The version, which is about the time of the change in milliseconds.
        now: The time of Redis.
    """
    return version < 1000 * (now + _MAX_AHEAD_SECONDS)


class Codec:
    """Encodes and decodes entries.

    Args:
        secret: Used to sign entries; if set, only entries signed with it are accepted.
    """

    def __init__(self, secret: str | None) -> None:
        self._signer = Signer(_LABEL, secret)

    def encode(
        self,
        field: str,
        version: int,
        setting: Setting | None,
        now: float,
        *,
        cleared: int = 0,
        older: float | None = None,
    ) -> Entry:
        """Return the entry for a value.

        Args:
            field: `<kind>:<key>`.
            version: Its version.
            setting: The value, `None` to remove the switch.
            now: The time of Redis.
            cleared: See `Entry`; of the entry that it replaces.
            older: See `Entry`.

        Raises:
            ValueError: The value, the key or a text is too long, or the value is not JSON.
        """
        check_printable(split(field)[1], "the key", MAX_KEY_LENGTH)
        fields: dict[str, Any] = {"f": FORMAT, "version": version, "set": now}
        if setting is not None:
            check_printable(setting.reason or "", "reason", MAX_REASON_LENGTH)
            value = _to_json(setting.value)
            if len(value) > MAX_VALUE_BYTES:
                raise ValueError(f"the value has {len(value)} bytes, at most {MAX_VALUE_BYTES} are allowed")
            fields |= {"value": setting.value, "expires": setting.expires, "reason": setting.reason}
            fields["by"] = setting.by[:_MAX_BY_LENGTH] if setting.by is not None else None
            if cleared:
                fields["cleared"] = cleared
            if older is not None:
                fields["older"] = older
        raw = self._signer.sign(field, _to_json(fields))
        return self.decode(field, raw, now)

    def decode(self, field: str, raw: bytes, now: float) -> Entry:
        """Return the entry stored in a field.

        Args:
            field: The field.
            raw: What it contains.
            now: The time of Redis.

        Raises:
            EntryError: The entry is too large, malformed, in the future, or wrongly signed.
        """
        if len(raw) > _MAX_ENTRY_BYTES or len(field.encode(errors="replace")) > _MAX_FIELD_BYTES:
            raise EntryError("too large")
        kind, _ = split(field)
        if not kind or kind == field:
            raise EntryError("malformed")
        try:
            text = self._signer.verify(field, raw)
            base = _Base.model_validate_json(text)
            if not is_plausible(base.version, now):
                raise EntryError("in the future")
            if base.f > FORMAT:
                return Entry(field, base.version, raw, None, is_known_format=False, ends=None)
            stored = _Stored.model_validate_json(text)
        except SignatureError as error:
            raise EntryError(str(error)) from None
        except (pydantic.ValidationError, UnicodeEncodeError, RecursionError):
            raise EntryError("malformed") from None
        version = stored.version
        if stored.value is None:
            return Entry(field, version, raw, None, is_known_format=True, ends=stored.set, cleared=version)
        setting = Setting(stored.value, version, stored.set, stored.expires, stored.by, stored.reason)
        cleared = min(stored.cleared, version)
        return Entry(
            field,
            version,
            raw,
            setting,
            is_known_format=True,
            ends=stored.expires,
            cleared=cleared,
            older=stored.older,
        )


def _to_json(value: Any) -> bytes:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the value is not JSON: {error}") from None
