"""Stores the lines of this process where they are read."""

import asyncio
import collections
import contextvars
import datetime
import json
import logging
import os
import threading
from typing import Any

from c2casgiutils import instances, logs
from c2casgiutils._errors import encodable
from c2casgiutils.follow._lines import MAX_A_SECOND, Lines, LinesUnavailableError
from c2casgiutils.follow._model import Follow
from c2casgiutils.request_tracking import request_of

_INTERVAL_SECONDS = 0.1
_RETRY_SECONDS = 1.0
"""After so long there may be room again, or Redis."""
_MAX_LENGTH = 4_000
"""Of a message with its traceback, in characters; the end of a longer one names the exception."""


class Publisher:
    """Collects lines from all threads, and stores them ten times a second.

    Args:
        lines: Where they are kept.
        secrets: Values that are masked in the lines.
    """

    def __init__(self, lines: Lines, secrets: tuple[str, ...]) -> None:
        self._lines = lines
        self._secrets = secrets
        self._loop = asyncio.get_running_loop()
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._left_out: collections.Counter[str] = collections.Counter()
        self._is_scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def add(self, follow: Follow, record: logging.LogRecord) -> None:
        """Take a record, in any thread; in the child of a fork nothing is taken."""
        if os.getpid() != self._pid:
            return
        if len(self._waiting.get(follow.id, ())) >= MAX_A_SECOND:
            with self._lock:
                self._left_out[follow.id] += 1
            return
        line = _line(record, self._secrets)  # runs code of the application: not while other threads wait
        with self._lock:
            self._waiting.setdefault(follow.id, []).append(line)
            if self._is_scheduled or self._loop.is_closed():
                return
            self._is_scheduled = True
            # An empty context: what the work itself logs is of no request.
            context = contextvars.Context()
            self._loop.call_soon_threadsafe(self._schedule, _INTERVAL_SECONDS, context=context)

    def _schedule(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._start)

    def _start(self) -> None:
        self._task = self._loop.create_task(self.flush(), name="c2casgiutils-follow")

    async def flush(self) -> None:
        """Store the collected lines; the others are counted, and the count is stored with the next lines."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            self._is_scheduled = False
            left_out, self._left_out = self._left_out, collections.Counter()
        for id_ in {*waiting, *left_out}:
            missed = await self._hand_on(id_, waiting.get(id_, []), left_out[id_])
            with self._lock:
                self._left_out[id_] += missed
        with self._lock:
            self._left_out = +self._left_out  # the positive ones
            if self._left_out and not self._is_scheduled:
                self._is_scheduled = True
                self._schedule(_RETRY_SECONDS)

    async def _hand_on(self, id_: str, lines: list[dict[str, Any]], left_out: int) -> int:
        """Store lines, after the number of those left out before; return how many are left out now."""
        instance = instances.own_id()
        entries: list[dict[str, Any]] = [{"left_out": left_out}] if left_out else []
        entries += [{**line, "instance": instance} for line in lines]
        try:
            taken = await self._lines.append(id_, [json.dumps(entry).encode() for entry in entries])
        except LinesUnavailableError:
            taken = 0
        if not left_out:
            return len(lines) - taken
        return len(lines) - taken + 1 if taken else len(lines) + left_out

    def end(self, id_: str) -> None:
        """Count no more what is left out of a follow that ended."""
        with self._lock:
            self._left_out.pop(id_, None)

    async def aclose(self) -> None:
        """Store the remaining lines, and stop."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])
        await self.flush()
        if self._timer is not None:
            self._timer.cancel()


def _line(record: logging.LogRecord, secrets: tuple[str, ...]) -> dict[str, Any]:
    request = request_of(record.exc_info[1] if record.exc_info else None)
    at = datetime.datetime.fromtimestamp(record.created, tz=datetime.UTC)
    return {
        "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "logger": encodable(logs.redact(record.name, secrets)),
        "level": encodable(logging.getLevelName(record.levelno)),
        "message": encodable(logs.plain_text(record, secrets, length=_MAX_LENGTH)),
        "request_id": None if request is None else logs.redact(request.request_id, secrets),
    }
