"""Start and stop of the background checks, and the drain of this process."""

from c2casgiutils import instances, switches
from c2casgiutils._numbers import check_seconds
from c2casgiutils.health_checks import _cluster, _draining
from c2casgiutils.health_checks._drain import DrainRefused
from c2casgiutils.health_checks._draining import Draining
from c2casgiutils.health_checks._factory import FACTORY

DRAINED_TOGETHER = (
    "No other process answered that it is ready: others were drained at the same moment, or are blocked; "
    "use force to drain anyway"
)


async def startup() -> None:
    """Start the background checks, answer other processes, and delay SIGTERM."""
    FACTORY.service.has_started = False
    switches.register(Draining())
    await _cluster.subscribe()
    await _draining.subscribe()
    await FACTORY.startup()
    FACTORY.service.graceful_stop.install()


async def shutdown() -> None:
    """Stop all of that, and the runs in progress."""
    service = FACTORY.service
    await service.graceful_stop.aclose()
    instances.set_state("stopping")
    await _cluster.unsubscribe()
    await _draining.unsubscribe()
    await FACTORY.aclose()


async def drain(*, seconds: float | None = None, force: bool = False) -> None:
    """Take this process out of service: `readyz` fails with 503, while requests are still served.

    Args:
        seconds: Time after which the process is ready again; by default it stays out of service.
        force: Do it even if no other process is ready.

    Raises:
        DrainRefused: No other process is ready.
        ValueError: `seconds` is not from 0 to a day.
    """
    if seconds is not None:
        check_seconds(seconds, "seconds", most=_draining.MAX_SECONDS)
    if not force:
        await require_others({instances.own().id})
    await _draining.drain([instances.own_id()], seconds=seconds)
    if force or instances.scope() == "process":
        return
    if await _draining.is_last({instances.own().id}):
        await undrain()
        raise DrainRefused(DRAINED_TOGETHER)


async def undrain() -> None:
    """Put this process back into service."""
    await _draining.undrain([instances.own_id()])


async def require_others(drained: set[str]) -> None:
    """Raise unless another process stays ready.

    Args:
        drained: The ids of the processes to drain.

    Raises:
        DrainRefused: None would be ready.
    """
    roster = await instances.roster()
    is_stale = instances.currency() == "stale"
    if not is_stale and any(
        (instance.state, instance.liveness, instance.script) == ("ready", "ok", "")
        and instance.id not in drained
        for instance in roster
    ):
        return
    if is_stale:
        seen = "the roster is stale, so it is not known which processes are ready"
    elif instances.scope() == "cluster":
        seen = "the cluster"
    else:
        why = "Redis is unreachable" if instances.is_cut_off() else "Redis is not configured"
        seen = f"only this process, as {why}"
    raise DrainRefused(f"No other process would be ready (seen: {seen}); use force to drain anyway")
