"""What the diagnostics keep in the process."""

from collections import deque
from typing import Any

from c2casgiutils import broadcast
from c2casgiutils._process import PerLoop
from c2casgiutils.debug._profile import Profiles
from c2casgiutils.debug._slots import Slot
from c2casgiutils.debug._watch import Watch

MAX_EXCHANGES = 200
"""Number of requests that each process keeps."""
_MAX_SLEEPERS = 5


class _State:
    """One attribute for each diagnosis that needs one."""

    def __init__(self) -> None:
        self.heavy = Slot("A costly diagnosis is already running in this process: try again later")
        self.dumps = Slot("This process already makes a dump")
        self.sleepers = Slot(f"{_MAX_SLEEPERS} requests already sleep in this process", _MAX_SLEEPERS)
        self.watches = PerLoop(Watch, on_drop=Watch.abort)
        self.application: Any = None
        self.steps: dict[str, float] = {}
        self.exchanges: deque[Any] = deque(maxlen=MAX_EXCHANGES)
        self.profiles = Profiles(self.heavy)


STATE = _State()


def heavy() -> Slot:
    """Return the limit of costly diagnostics: one at a time, whichever it is and whoever asks for it."""
    return STATE.heavy


def dumps() -> Slot:
    """Return the limit of dumps."""
    return STATE.dumps


def sleepers() -> Slot:
    """Return the limit of requests that sleep."""
    return STATE.sleepers


async def startup() -> None:
    """Watch the running event loop, until `shutdown`; called once the process is in the roster."""
    await shutdown()
    STATE.watches.get().start()
    broadcast.on_restore(_follow_broadcast)


async def _follow_broadcast() -> None:
    """Start again if `broadcast.startup` replaced what is watched, after its listener was cancelled."""
    watch = STATE.watches.peek()
    if watch is not None and not watch.is_current:
        await watch.aclose()
        STATE.watches.set(Watch()).start()


async def shutdown() -> None:
    """Watch the running event loop no more, and end a profile early."""
    STATE.profiles.stop()
    watch = STATE.watches.pop()
    if watch is not None:
        await watch.aclose()


def set_application(application: Any) -> None:
    """Set the application of the process, to which `memory_diff` sends its requests.

    Args:
        application: The one that mounts ours, an ASGI application; `None` if it is not known.
    """
    STATE.application = application


def application() -> Any:
    """Return the application of the process, `None` if it is not known."""
    return STATE.application


def profiles() -> Profiles:
    """Return the profiles of this process."""
    return STATE.profiles
