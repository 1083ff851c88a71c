"""What the diagnostics keep in the process."""

from c2casgiutils.debug._slots import Slot

_MAX_SLEEPERS = 5


class _State:
    """One attribute for each diagnosis that needs one."""

    def __init__(self) -> None:
        self.heavy = Slot("A costly diagnosis is already running in this process: try again later")
        self.sleepers = Slot(f"{_MAX_SLEEPERS} requests already sleep in this process", _MAX_SLEEPERS)


STATE = _State()


def heavy() -> Slot:
    """Return the limit of costly diagnostics: one at a time, whichever it is and whoever asks for it."""
    return STATE.heavy


def sleepers() -> Slot:
    """Return the limit of requests that sleep."""
    return STATE.sleepers
