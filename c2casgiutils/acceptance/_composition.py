"""Processes and services that are started together."""

import contextlib
import sys
from collections.abc import Mapping
from typing import Protocol, Self

_SHOWN_LINES = 100


class Service(Protocol):
    """What a `Composition` can start: `Process`, `RedisServer`, `PostgresqlServer`, `DockerCompose`."""

    def start(self) -> object:
        """Start it, and wait until it is ready."""

    def close(self) -> None:
        """End it and remove what it left."""

    @property
    def output(self) -> str:
        """What it wrote until now."""
        ...


class Composition:
    """Processes and services that are started together, in a `with` block.

    They are started one after the other, each when the one before it is ready, and ended in reverse order. If
    one does not start, or if an exception leaves the block, the last lines that each of them wrote are shown.

    Args:
        services: By name, in the order of their start.
    """

    def __init__(self, services: Mapping[str, Service]) -> None:
        self.services: dict[str, Service] = dict(services)
        self._started = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start all of them.

        Raises:
            AssertionError: One did not start; the message has the output of all that were started.
        """
        with contextlib.ExitStack() as stack:
            for name, service in self.services.items():
                stack.callback(service.close)
                try:
                    service.start()
                except Exception as error:
                    raise AssertionError(f"{name} did not start: {error}\n\n{self.output}") from error
            self._started = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End all of them; show their output if an exception leaves the block."""
        if kind is not None:
            sys.stderr.write(self.output)
        self._started.close()

    @property
    def output(self) -> str:
        """The last lines of each, below its name."""
        return "\n".join(f"--- {name} ---\n{_tail(service)}\n" for name, service in self.services.items())


def last_lines(text: str) -> str:
    """Return the last lines of a text."""
    lines = text.splitlines()
    left_out = len(lines) - _SHOWN_LINES
    return "\n".join([f"… ({left_out} lines before)", *lines[-_SHOWN_LINES:]] if left_out > 0 else lines)


def _tail(service: Service) -> str:
    try:
        return last_lines(service.output)
    except Exception as error:  # noqa: BLE001  # the others are shown, and the failure that led here
        return f"(no output: {error})"
