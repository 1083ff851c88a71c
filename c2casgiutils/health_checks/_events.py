"""Reports changes of state once, in the log, on the time line and to the webhook."""

import asyncio
import datetime
import logging
import ssl
from typing import Any

from c2casgiutils import config, instances, redis_utils
from c2casgiutils._threads import run_in_thread
from c2casgiutils.health_checks._outcome import Outcome
from c2casgiutils.health_checks._runner import Entry
from c2casgiutils.health_checks.checks._url import prepare_http, unlogged
from c2casgiutils.redis_utils._failures import is_failure

_LOGGER = logging.getLogger(__name__)
_GOOD = {"pass", "skip"}
_QUIET_SECONDS = 60.0
_SEND_SECONDS = 5.0


class Events:
    """Detects when a check changes its state."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._context: ssl.SSLContext | None = None

    def on_outcome(self, entry: Entry, before: Outcome | None, after: Outcome) -> None:
        """Report a change of state; a first successful result is not an event."""
        old = before.status if before is not None else "unknown"
        if old == after.status or (before is None and after.status in _GOOD):
            return
        level = logging.INFO if after.status in _GOOD else logging.WARNING
        text = "\n".join(filter(None, (after.message, after.stacktrace)))
        _LOGGER.log(
            level, "Health check %s: %s, was %s%s", entry.name, after.status, old, text and f": {text}"
        )
        is_hidden = config.settings.health.details == "never"
        instances.record_event(
            "check",
            entry.name,
            before=old,
            after=after.status,
            reason=None if is_hidden else after.message,
        )
        if config.settings.health.webhook:
            event: dict[str, Any] = {
                "check": entry.name,
                "from": old,
                "to": after.status,
                "at": after.ended,
            }
            if before is not None:
                event["held_seconds"] = round(after.at - before.since, 3)
            self._start(entry, event)

    async def aclose(self) -> None:
        """Discard what this event loop has not sent yet."""
        tasks = [task for task in tuple(self._tasks) if task.get_loop() is asyncio.get_running_loop()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, entry: Entry, event: dict[str, Any]) -> None:
        task = asyncio.create_task(self._announce(entry, event), name="c2c-health-webhook")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _announce(self, entry: Entry, event: dict[str, Any]) -> None:
        url = config.settings.health.webhook
        if url is None or not await _is_first(entry, event["to"]):
            return
        try:
            with unlogged():
                await self._send(str(url), event)
        except Exception as error:  # noqa: BLE001  # a lost message must not affect the checks
            # the URL is a secret, and the error messages of the HTTP client contain it
            _LOGGER.warning("Could not call the webhook of the health checks: %s", type(error).__name__)

    async def _send(self, url: str, event: dict[str, Any]) -> None:
        if self._context is None:
            self._context = await run_in_thread(prepare_http, name="c2c-health")
        import httpx

        async with httpx.AsyncClient(verify=self._context, timeout=_SEND_SECONDS) as client:
            try:
                response = await client.post(url, json=event)
            except httpx.TransportError:
                await asyncio.sleep(1)
                response = await client.post(url, json=event)
        response.raise_for_status()


async def _is_first(entry: Entry, status: str) -> bool:
    """Return whether this process reports the change, as the first one to claim it in Redis.

    Each state has its own key, which is removed when the state changes: the last report is always current.
    """
    master, _, _ = redis_utils.get()
    if master is None:
        return True
    every = entry.options.every or datetime.timedelta()
    seconds = max(_QUIET_SECONDS, 2 * every.total_seconds())
    keys = {
        state: redis_utils.scoped(f"health_event:{entry.name}:{state}")
        for state in ("pass", "warn", "fail", "skip")
    }
    try:
        if not await master.set(keys.pop(status), "1", nx=True, px=int(seconds * 1000)):
            return False
        await master.delete(*keys.values())
    except Exception as error:
        if not is_failure(error):
            raise
        return True  # better to report twice than never
    return True
