"""Start and end of what the health checks do by themselves."""

from c2casgiutils import instances
from c2casgiutils.health_checks import _cluster
from c2casgiutils.health_checks._drain import DRAIN
from c2casgiutils.health_checks._factory import FACTORY
from c2casgiutils.health_checks._probes import START_UP
from c2casgiutils.health_checks._signals import GracefulStop

_GRACEFUL_STOP = GracefulStop()


async def startup() -> None:
    """Start the checks that run by themselves, answer the other processes, stand before uvicorn's SIGTERM."""
    START_UP.done = False
    await _cluster.subscribe()
    await FACTORY.startup()
    _GRACEFUL_STOP.install()


async def shutdown() -> None:
    """End all of it, and the runs under way."""
    await _GRACEFUL_STOP.aclose()
    DRAIN.forget()
    START_UP.done = False
    if instances.state() == "ready":
        instances.set_state("draining")
    await _cluster.unsubscribe()
    await FACTORY.aclose()
