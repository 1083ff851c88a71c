"""The start of a script: its logging, and the broadcast that reaches the processes of the application."""

import contextlib
import logging
import logging.config
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from c2casgiutils import broadcast, logs, redis_utils
from c2casgiutils.tools import logging_

__all__ = ["add_arguments", "init", "lifespan"]

_LOGGER = logging.getLogger(__name__)


def add_arguments(arg_parser: ArgumentParser, default_logging_config: str | None = "logging.yaml") -> None:
    """Add the option `--logging-config` to a script.

    Args:
        arg_parser: Of the script.
        default_logging_config: The file read without the option; `None` is the packaged configuration.
    """
    arg_parser.add_argument(
        "--logging-config",
        type=Path,
        default=None if default_logging_config is None else Path(default_logging_config),
        metavar="FILE",
        help="logging configuration in YAML (default: %(default)s)",
    )


async def init(args: Namespace) -> None:
    """Configure the logging, start the broadcast and follow the log levels that are set at run time.

    A logging configuration that is missing or broken is one line in the log; the packaged one is used then.
    Redis away is no error. What was started ends with the event loop; `lifespan` ends it in good order.

    Args:
        args: With the option of `add_arguments`; without it the packaged configuration is used.
    """
    configure_logging(getattr(args, "logging_config", None))
    await broadcast.startup()
    await logging_.startup()


@contextlib.asynccontextmanager
async def lifespan(args: Namespace) -> AsyncIterator[None]:
    """Do what `init` does, and at the end close all connections: `async with cli.lifespan(args):`."""
    try:
        await init(args)
        yield
    finally:
        await broadcast.shutdown()
        await redis_utils.aclose()


def configure_logging(file: Path | None) -> None:
    """Apply a logging configuration in YAML, or the packaged one when there is none that works.

    Args:
        file: `None` is the packaged configuration.

    Raises:
        SystemExit: `LOG_LEVEL` or another variable of the packaged configuration has a wrong value.
    """
    problem = None if file is None else _apply(file)
    if file is None or problem is not None:
        logging.config.dictConfig(_read(logs.CONFIG_FILE))
    if problem is not None:
        _LOGGER.error("The packaged logging configuration is used, because %s %s", file, problem)


def _apply(file: Path) -> str | None:
    """Apply the file; say in one line what is wrong with it."""
    try:
        logging.config.dictConfig(_read(file))
    except FileNotFoundError:
        return "does not exist"
    except Exception as error:  # noqa: BLE001  # a configuration calls any code, which may raise anything
        cause = f": {error.__cause__}" if error.__cause__ else ""
        return " ".join(f"cannot be used: {error}{cause}".split())
    return None


def _read(file: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415  # only scripts need it

    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise TypeError("it holds no mapping")
    return content
