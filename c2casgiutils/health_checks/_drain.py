"""Taking a process out of service while it goes on answering."""

import asyncio
import logging

from c2casgiutils import instances
from c2casgiutils._errors import C2cError

_LOGGER = logging.getLogger(__name__)


class DrainRefused(C2cError):  # noqa: N818  a refusal, told to the caller
    """Nobody would be ready any more."""


class _Drain:
    """The end of the drain of this process, when it has one."""

    def __init__(self) -> None:
        self._end: asyncio.TimerHandle | None = None
        self._for_good = False

    def stop(self) -> None:
        """Be not ready until the end of the process."""
        self._for_good = True
        self._cancel()
        instances.set_state("draining")

    def begin(self, seconds: float | None) -> None:
        """Be not ready, for so long or until `end`."""
        if self._for_good:
            return
        self._cancel()
        instances.set_state("draining")
        _LOGGER.warning("Draining%s", "" if seconds is None else f" for {seconds:g} s")
        if seconds is not None:
            self._end = asyncio.get_running_loop().call_later(seconds, self.end)

    def end(self) -> None:
        """Be ready again."""
        self._cancel()
        if instances.state() == "draining" and not self._for_good:
            instances.set_state("ready")
            _LOGGER.warning("Draining ended")

    def forget(self) -> None:
        """Leave the state as it is: the process has ended its work."""
        self._for_good = False
        self._cancel()

    def _cancel(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None


DRAIN = _Drain()


async def drain(*, seconds: float | None = None, force: bool = False) -> None:
    """Take this process out of service: `readyz` answers 503, requests go on being answered.

    Args:
        seconds: After so long the process is ready again by itself; by default it stays so.
        force: Do it even when no other process is ready.

    Raises:
        DrainRefused: No other process is ready.
    """
    if not force:
        await require_others({instances.own().id})
    DRAIN.begin(seconds)
    if force or instances.scope() == "process":
        return
    try:
        await require_others({instances.own().id})
    except DrainRefused:  # another one drained at the same moment
        DRAIN.end()
        raise


async def undrain() -> None:
    """Put this process back into service."""
    DRAIN.end()


async def require_others(drained: set[str]) -> None:
    """Make sure that a process stays ready besides these.

    Args:
        drained: The ids of the processes to drain.

    Raises:
        DrainRefused: None would be.
    """
    roster = await instances.roster()
    if any(instance.state == "ready" and instance.id not in drained for instance in roster):
        return
    seen = "the cluster" if instances.scope() == "cluster" else "this process alone, as there is no Redis"
    raise DrainRefused(f"No other process would be ready (seen: {seen}); force it to drain all the same")
