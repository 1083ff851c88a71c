"""Scripts: their start, in which they join the processes of the service, and their end."""

import asyncio
import contextlib
import logging.config
import signal
import sys
import threading
from argparse import ArgumentError, ArgumentParser, Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from c2casgiutils import _app, _wiring, broadcast, config, instances, logs, prometheus, sentry, tools

__all__ = ["add_arguments", "init", "lifespan", "run"]

_LOGGER = logging.getLogger(__name__)
_BY_SIGNAL = 128
"""Added to the number of the signal that ended a process, as shells do."""
_MAX_NAME_LENGTH = 300
_IS_STARTED: ContextVar[bool] = ContextVar("c2casgiutils_script_is_started", default=False)


class _Default(str):
    """The file to read if none was given; it may be missing."""

    __slots__ = ()


def add_arguments(arg_parser: ArgumentParser, default_logging_config: str | None = "logging.yaml") -> None:
    """Add the option `--logging-config` to a script.

    Args:
        arg_parser: The parser of the script.
        default_logging_config: The file to read without the option, if it exists; `None` for the packaged
            configuration.
    """
    arg_parser.add_argument(
        "--logging-config",
        default=None if default_logging_config is None else _Default(default_logging_config),
        metavar="FILE",
        help="logging configuration in YAML (default: %(default)s)",
    )


def run(main: Callable[[Namespace], Awaitable[None]], parser: ArgumentParser | None = None) -> None:
    """Run a script from its arguments to its exit code: `await main(args)` within `lifespan(args)`.

    On SIGTERM, `main` is cancelled, everything is closed, and the exit code is 143; a second SIGTERM while
    `main` still runs raises `SystemExit` immediately. On SIGINT it is the same, with the exit code 130.

    Args:
        main: The script; called with the arguments.
        parser: Parses the arguments; the option of `add_arguments` is added if it is missing. By default,
            that option is the only one.

    Raises:
        SystemExit: The script was ended by a signal (143 or 130), an argument (2) or a setting (3) is
            invalid.
    """
    parser = ArgumentParser() if parser is None else parser
    with contextlib.suppress(ArgumentError):  # it already has the option
        add_arguments(parser)
    args = parser.parse_args()
    try:
        is_terminated = asyncio.run(_run(main, args))
    except KeyboardInterrupt:
        sys.exit(_BY_SIGNAL + signal.SIGINT)
    if is_terminated:
        sys.exit(_BY_SIGNAL + signal.SIGTERM)


async def _run(main: Callable[[Namespace], Awaitable[None]], args: Namespace) -> bool:
    """Run the script, and return whether it was ended by SIGTERM."""
    termination = _Termination()
    with termination.handled():
        try:
            async with lifespan(args):
                try:
                    await main(args)
                finally:
                    termination.is_closing = True
        except asyncio.CancelledError:
            if not termination.is_requested:
                raise
    return termination.is_requested


class _Termination:
    """Handles SIGTERM for the current task, as `asyncio.Runner` handles SIGINT.

    Attributes:
        is_requested: The signal was received.
        is_closing: The task has finished its work and is no longer cancelled.
    """

    def __init__(self) -> None:
        self.is_requested = False
        self.is_closing = False
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signal during the block; only possible in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = signal.signal(signal.SIGTERM, self._handle)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, previous)

    def _handle(self, *_: object) -> None:
        is_second, self.is_requested = self.is_requested, True
        if self.is_closing:
            return
        if is_second:
            sys.exit(_BY_SIGNAL + signal.SIGTERM)
        if self._task is not None:
            self._task.cancel()
            self._loop.call_soon_threadsafe(lambda: None)  # wakes a loop that waits for input


@contextlib.asynccontextmanager
async def lifespan(args: Namespace) -> AsyncIterator[None]:
    """Start what a script shares with the service, and close it at the end: `async with cli.lifespan(args):`.

    This sets up logging, Sentry, the metrics on `C2C__PROMETHEUS__PORT` if set, the broadcast, the entry in
    the roster, and the log levels set at run time. It also starts while Redis is unreachable. Within another
    `lifespan` it does nothing.

    Args:
        args: With the option of `add_arguments`; without it, the packaged logging configuration is used.

    Raises:
        SystemExit: The logging configuration or a setting is invalid; the message is one line.
    """
    if _IS_STARTED.get():
        yield
        return
    token = _IS_STARTED.set(True)
    try:
        _configure(args)
        _app.check_settings()
        if not sentry.is_active():
            sentry.init()
        sentry.enable_asyncio()
        prometheus.name_service(_name())
        async with _metrics_port():
            try:
                await _join()
                yield
            finally:
                await _app.shutdown()
    finally:
        _IS_STARTED.reset(token)


def _metrics_port() -> contextlib.AbstractAsyncContextManager[None]:
    """Serve the metrics if the port is set; the default port belongs to the application beside the script."""
    is_set = "port" in config.settings.prometheus.model_fields_set
    return prometheus.serving() if is_set else contextlib.nullcontext()


async def init(args: Namespace) -> None:
    """Configure the logging, start the broadcast and apply the log levels set at run time.

    It also starts while Redis is unreachable. What was started ends with the event loop; `lifespan` also
    closes it, and starts Sentry and the metrics, too. Within `lifespan` it does nothing.

    Args:
        args: With the option of `add_arguments`; without it, the packaged logging configuration is used.

    Raises:
        SystemExit: The logging configuration or a setting is invalid; the message is one line.
    """
    if _IS_STARTED.get():
        return
    _configure(args)
    await _join()


def _configure(args: Namespace) -> None:
    configure_logging(getattr(args, "logging_config", None))
    logs.protect_handlers(config.secrets_of(config.settings))
    logs.print_configuration()
    _wiring.wire_request_tracking()


async def _join() -> None:
    """Join the processes of the service."""
    await broadcast.startup()
    instances.set_script(_name())
    await tools.startup()


def _name() -> str:
    """Return the name of the script, which is that of its file."""
    return (Path(sys.argv[0]).name or "python")[:_MAX_NAME_LENGTH]


def configure_logging(file: str | Path | None) -> None:
    """Apply a logging configuration in YAML; instead of an invalid default one, the packaged one.

    Args:
        file: The file, or `None` for the packaged configuration.

    Raises:
        SystemExit: The given file does not exist or is invalid, or `LOG_LEVEL` or another variable of the
            packaged configuration has an invalid value; the message is one line.
    """
    is_default = isinstance(file, _Default)
    if file is None or (is_default and not Path(file).exists()):
        file = logs.CONFIG_FILE
    restore = logs.remember_loggers()
    try:
        logging.config.dictConfig(_read(Path(file)))
    except FileNotFoundError:
        config.end_start([f"--logging-config: {file} does not exist"])
    except Exception as error:  # noqa: BLE001  # a configuration can call any code, which may raise anything
        restore()
        cause = f": {error.__cause__}" if error.__cause__ else ""
        problem = logs.redact(" ".join(f"--logging-config: {file} is invalid: {error}{cause}".split()))
        if not is_default:
            config.end_start([problem])
        logging.config.dictConfig(_read(logs.CONFIG_FILE))
        _LOGGER.error("%s; the packaged configuration is used", problem)  # noqa: TRY400  # it is one line


def _read(file: Path) -> dict[str, Any]:
    import yaml  # only needed by scripts

    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise TypeError("it is not a mapping")
    return content
