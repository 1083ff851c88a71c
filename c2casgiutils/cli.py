"""The start of a script: its logging, and the broadcast that reaches the processes of the application."""

import contextlib
import logging.config
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from c2casgiutils import broadcast, config, logs, redis_utils, switches
from c2casgiutils.tools import logging_

__all__ = ["add_arguments", "init", "lifespan"]


class _Default(str):
    """The file that is read when none was named: it may be missing."""

    __slots__ = ()


def add_arguments(arg_parser: ArgumentParser, default_logging_config: str | None = "logging.yaml") -> None:
    """Add the option `--logging-config` to a script.

    Args:
        arg_parser: Of the script.
        default_logging_config: The file read without the option, if it exists; `None` is the packaged
            configuration.
    """
    arg_parser.add_argument(
        "--logging-config",
        default=None if default_logging_config is None else _Default(default_logging_config),
        metavar="FILE",
        help="logging configuration in YAML (default: %(default)s)",
    )


async def init(args: Namespace) -> None:
    """Configure the logging, start the broadcast and follow the log levels that are set at run time.

    The packaged logging configuration is used when no file was named and the default one does not exist.
    Redis away is no error. What was started ends with the event loop; `lifespan` ends it in good order.

    Args:
        args: With the option of `add_arguments`; without it the packaged configuration is used.

    Raises:
        SystemExit: The logging configuration that was named does not exist, or one is broken; says so in one
            line.
    """
    configure_logging(getattr(args, "logging_config", None))
    logs.protect_handlers(config.secrets_of(config.settings))
    await broadcast.startup()
    await logging_.startup()


@contextlib.asynccontextmanager
async def lifespan(args: Namespace) -> AsyncIterator[None]:
    """Do what `init` does, and at the end close all connections: `async with cli.lifespan(args):`."""
    try:
        await init(args)
        yield
    finally:
        await switches.shutdown()
        await broadcast.shutdown()
        await redis_utils.aclose()


def configure_logging(file: str | Path | None) -> None:
    """Apply a logging configuration in YAML.

    Args:
        file: `None` is the packaged configuration.

    Raises:
        SystemExit: The file that was named does not exist, a file is broken, or `LOG_LEVEL` or another
            variable of the packaged configuration has a wrong value.
    """
    if file is None or (isinstance(file, _Default) and not Path(file).exists()):
        file = logs.CONFIG_FILE
    try:
        logging.config.dictConfig(_read(Path(file)))
    except FileNotFoundError:
        config.end_start([f"--logging-config: {file} does not exist"])
    except Exception as error:  # noqa: BLE001  # a configuration calls any code, which may raise anything
        cause = f": {error.__cause__}" if error.__cause__ else ""
        config.end_start([" ".join(f"--logging-config: {file} cannot be used: {error}{cause}".split())])


def _read(file: Path) -> dict[str, Any]:
    import yaml  # only scripts need it

    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise TypeError("it holds no mapping")
    return content
