"""The outcome of a run, made safe to show."""

import dataclasses
import datetime
import time
import traceback
from collections.abc import Iterable
from typing import Any

import pydantic_core

from c2casgiutils import broadcast
from c2casgiutils._errors import encodable, text_of
from c2casgiutils._secrets import scrub, scrub_mapping
from c2casgiutils.health_checks._model import JsonCheckError, Result, Status

_FAILED = 400
_MAX_STATUS = 599
_WRONG = 500
_MAX_PAYLOAD_SIZE = 65_536
_MAX_TEXT_SIZE = 4_096
_MAX_SCRUBBED = 65_536


def _now() -> datetime.datetime:
    return datetime.datetime.fromtimestamp(broadcast.now(), tz=datetime.UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one run: its duration in `seconds`, its end `at` (monotonic) and `when` (of Redis).

    `since` is when the state began (monotonic).
    """

    status: Status
    status_code: int
    seconds: float
    payload: dict[str, Any] = dataclasses.field(default_factory=dict)
    message: str | None = None
    stacktrace: str | None = None
    at: float = dataclasses.field(default_factory=time.monotonic)
    when: datetime.datetime = dataclasses.field(default_factory=_now)
    since: float = 0.0

    @property
    def milliseconds(self) -> float:
        """The duration of the run."""
        return round(self.seconds * 1000, 3)

    @property
    def reason(self) -> str:
        """Why it does not pass, in one line; empty if the check says nothing."""
        said = (self.message, self.payload.get("message"), self.payload.get("error"))
        text = next((str(one) for one in said if one), "")
        return "".join(filter(str.isprintable, text.strip().partition("\n")[0]))

    @property
    def ended(self) -> str:
        """The time when the run ended, in RFC 3339 format."""
        return self.when.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def details(self) -> dict[str, Any]:
        """The payload with the message and the stack trace of a failure."""
        extra = {"message": self.message, "stacktrace": self.stacktrace}
        return self.payload | {key: value for key, value in extra.items() if value is not None}


UNKNOWN = Outcome(status="unknown", status_code=200, seconds=0.0, message="has not run yet")


def of_result(result: object, seconds: float, secrets: Iterable[str]) -> Outcome:
    """Return the outcome of a returned result; one that cannot be serialised is a failure."""
    if not isinstance(result, Result):
        return failure(f"The check returned {type(result).__name__}, not a Result", seconds)
    code = result.status_code
    if isinstance(code, bool) or not isinstance(code, int) or not 200 <= code <= _MAX_STATUS:  # noqa: PLR2004  # OK
        return failure(f"The check returned the status code {scrub(str(code), secrets)[:20]}", seconds)
    try:
        payload = clean(result.payload, secrets)
    except (ValueError, TypeError, RecursionError) as error:
        return failure(f"The payload of the check cannot be serialised: {type(error).__name__}", seconds)
    if not isinstance(payload, dict):
        return failure("The payload of the check is not an object", seconds)
    if result.status == "fail" or code >= _FAILED:
        return Outcome("fail", max(code, _WRONG) if code < _FAILED else code, seconds, payload)
    return Outcome(result.status or "pass", code, seconds, payload)


def of_exception(error: BaseException, seconds: float, secrets: Iterable[str]) -> Outcome:
    """Return the outcome of a raised exception."""
    secrets = tuple(secrets)
    payload: dict[str, Any] = {"error": type(error).__name__}
    if isinstance(error, JsonCheckError) and error.payload is not None:
        try:
            payload["result"] = clean(error.payload, secrets)
        except (ValueError, TypeError, RecursionError) as problem:
            payload["result"] = {"error": f"cannot be serialised: {type(problem).__name__}"}
    stack = "".join(traceback.format_exception(error))
    return Outcome(
        "fail",
        _WRONG,
        seconds,
        payload,
        message=encodable(scrub(_start(text_of(error)), secrets))[:_MAX_TEXT_SIZE] or type(error).__name__,
        stacktrace=encodable(scrub(_end(stack), secrets))[-4 * _MAX_TEXT_SIZE :],
    )


def of_timeout(timeout: float, doing: str | None, seconds: float) -> Outcome:
    """Return the outcome of a check that timed out."""
    what = f" while {doing}" if doing else ""
    return Outcome(
        "fail", _WRONG, seconds, {"error": "timeout"}, message=f"No result within {timeout:g} s{what}"
    )


def failure(message: str, seconds: float) -> Outcome:
    """Return a failure detected by the engine."""
    return Outcome("fail", _WRONG, seconds, {"error": "wrong result"}, message=message)


def clean(value: object, secrets: Iterable[str]) -> Any:
    """Return the value as JSON data, without credentials and limited in size.

    Raises:
        ValueError: It cannot be serialised (pydantic's serialization error is one).
        TypeError: A key has an unsupported type.
        RecursionError: It is nested too deeply.
    """
    text = pydantic_core.to_json(value, inf_nan_mode="null")
    if len(text) > _MAX_PAYLOAD_SIZE:
        return {"error": f"the payload of {len(text)} bytes is larger than {_MAX_PAYLOAD_SIZE}"}
    return scrub_mapping(pydantic_core.from_json(text), secrets)


def _start(text: str) -> str:
    """Return the part of a text to scrub, ending between words: not within a URL with a password."""
    return text if len(text) <= _MAX_SCRUBBED else text[:_MAX_SCRUBBED].rpartition(" ")[0]


def _end(text: str) -> str:
    """Return the last part of a text to scrub, beginning with a word."""
    return text if len(text) <= _MAX_SCRUBBED else text[-_MAX_SCRUBBED:].partition(" ")[2]
