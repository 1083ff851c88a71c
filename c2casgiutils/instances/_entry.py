"""The format of the roster in Redis.

One hash holds two fields for each process: its heartbeat under its id, and its static part, which rarely
changes, under `<id>/static`. A second hash holds the samples. All values are JSON with a format number,
signed with the secret of the broadcast if there is one.
"""

import datetime
import logging
from typing import Annotated, Any, TypeVar

import pydantic
import pydantic_core
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from c2casgiutils.instances import _metrics
from c2casgiutils.instances._checks import StaticCheck, decode_checks
from c2casgiutils.instances._model import DrainState, Instance, Liveness, Sample, State
from c2casgiutils.redis_utils import Signer

_LOGGER = logging.getLogger(__name__)

FORMAT = 1
STATIC = "/static"
TOKEN_FIELD = "token"  # noqa: S105  # name of a field
REBUILT_FIELD = "rebuilt"
SAMPLED = Sample._fields[1:]
MAX_SAMPLES = 60
MAX_ENTRIES = 20_000
"""Maximum number of entries that are decoded."""
MAX_SHOWN = 2_000
"""Maximum number of valid entries that are returned."""

LATE_BEATS = 1.5
LOST_BEATS = 3.0
FORGOTTEN_SECONDS = 15 * 60.0

_FUTURE_SECONDS = 60.0
_MAX_TIME = 253_402_300_799
"""The end of the year 9999, the last one that `datetime` supports."""
_MAX_BYTES = 262_144
"""Maximum size of a value; a process with 1,000 health checks needs half of it."""
_MAX_LOGGED = 1_000

_States = frozenset({"starting", "ready", "draining", "stopping"})
_KnownState = Annotated[State, BeforeValidator(lambda value: value if value in _States else "starting")]
"""A state that only a newer release knows counts as not `ready`."""
_Short = Annotated[str, Field(max_length=300)]


class Beat(BaseModel):
    """The part that changes at each heartbeat; times are from the clock of Redis, in seconds since 1970."""

    model_config = ConfigDict(allow_inf_nan=False)

    format: int = Field(default=FORMAT, alias="f", ge=1)
    beat: float = Field(ge=0)
    every: float = Field(gt=0, le=86_400)
    state: _KnownState = "starting"
    uptime: float = Field(default=0, ge=0)
    figures: dict[_Short, float] = Field({}, max_length=100)
    applied: int | None = None
    drain: DrainState | None = None
    checks: str = ""
    reasons: dict[str, str] = {}

    @property
    def end(self) -> float:
        """When the process counts as lost unless it beats again."""
        return self.beat + LOST_BEATS * self.every

    def liveness(self, now: float) -> Liveness:
        """Return `ok`, `late` or `lost`, depending on the time since the last beat."""
        beats = (now - self.beat) / self.every
        return "lost" if beats >= LOST_BEATS else "late" if beats >= LATE_BEATS else "ok"


class Static(BaseModel):
    """The part that rarely changes."""

    model_config = ConfigDict(allow_inf_nan=False)

    format: int = Field(default=FORMAT, alias="f", ge=1)
    hostname: _Short
    pid: int = Field(ge=0)
    application: _Short = ""
    version: _Short = ""
    script: _Short = ""
    git_hash: _Short | None = None
    python: _Short = ""
    packages: dict[_Short, _Short] = {}
    started: datetime.datetime
    channels: frozenset[str] = frozenset()
    checks: list[StaticCheck] = []


_Time = Annotated[float, Field(ge=0, le=_MAX_TIME)]
RingItem = tuple[_Time, float | None, float | None, float | None, float | None]
"""Time, and the figures of `SAMPLED`."""


class Samples(BaseModel):
    """The latest samples of a process: for each beat its time and the figures of `SAMPLED`."""

    model_config = ConfigDict(allow_inf_nan=False)

    format: int = Field(default=FORMAT, alias="f", ge=1)
    ring: list[RingItem] = Field(max_length=MAX_SAMPLES)


_M = TypeVar("_M", Beat, Static, Samples)


class Codec:
    """Encodes and decodes values; those that are not accepted are counted, and logged once for each field.

    Args:
        secret: Used to sign values; if set, only values signed with it are accepted.
    """

    def __init__(self, secret: str | None) -> None:
        self._signer = Signer("c2casgiutils roster", secret)
        self._logged: set[str] = set()

    def write(self, field: str, values: dict[str, Any]) -> bytes:
        """Return the encoded value of a field."""
        return self._signer.sign(field, pydantic_core.to_json({"f": FORMAT, **values}))

    def read(self, field: str, raw: object, kind: type[_M], now: float) -> _M | None:
        """Return the decoded value, or `None` if it is not accepted.

        Args:
            field: The field that holds the value.
            raw: The value.
            kind: The expected model.
            now: The time of Redis.
        """
        try:
            return self._read(field, raw, kind, now)
        except pydantic.ValidationError:
            self._note_skipped(field, "malformed")
        except ValueError as error:  # a `SignatureError` is one
            self._note_skipped(field, str(error))
        return None

    def _read(self, field: str, raw: object, kind: type[_M], now: float) -> _M:
        if not isinstance(raw, bytes) or len(raw) > _MAX_BYTES:
            raise ValueError("too large")
        found = kind.model_validate_json(self._signer.verify(field, raw))
        if isinstance(found, Beat) and found.beat > now + _FUTURE_SECONDS:
            raise ValueError("in the future")
        return found

    def _note_skipped(self, field: str, reason: str) -> None:
        _metrics.count_skipped()
        if field not in self._logged and len(self._logged) < _MAX_LOGGED:
            self._logged.add(field)
            _LOGGER.warning("Ignoring the roster entry %r: %s", field[:200], reason)


def to_instance(
    id_: str, beat: Beat, static: Static, samples: Samples | None, *, now: float, liveness: Liveness
) -> Instance:
    """Return an entry in its public form."""
    return Instance.model_construct(  # all of it is validated already
        **static.model_dump(exclude={"format", "channels", "checks"}),
        id=id_,
        state=beat.state,
        liveness=liveness,
        uptime_seconds=beat.uptime,
        beat_age_seconds=round(max(0.0, now - beat.beat), 3),
        applied=beat.applied,
        drain=beat.drain,
        figures=beat.figures,
        checks=decode_checks(beat.checks, beat.reasons, static.checks),
        samples=to_samples(samples, beat) if samples is not None else [],
    )


def to_samples(samples: Samples, beat: Beat) -> list[Sample]:
    """Return the samples, including the last beat, which may be newer than the stored samples."""
    ring = list(samples.ring)
    last = ring_item(beat.beat, beat.figures)
    if not ring or ring[-1][0] < last[0]:
        ring.append(last)
    return [
        Sample(datetime.datetime.fromtimestamp(at, tz=datetime.UTC), *figures)
        for at, *figures in ring[-MAX_SAMPLES:]
    ]


def ring_item(at: float, figures: dict[str, float]) -> RingItem:
    """Return a sample in its stored form."""
    memory, cpu, lag, requests = (figures.get(name) for name in SAMPLED)
    return (at, memory, cpu, lag, requests)
