"""The directory in which workers share their metrics."""

import functools
import tempfile
from pathlib import Path

from c2casgiutils import config
from c2casgiutils.config._foreign import foreign

_FILE_SIZE = 65_536
"""The client library maps files of this size; writing to one on a full disk kills the process."""


def multiprocess_directory() -> Path | None:
    """Return the directory in which workers share their metrics, or `None`; it is created if missing.

    Raises:
        ConfigurationError: It cannot be created or is not writable; ends the start.
    """
    name = foreign("PROMETHEUS_MULTIPROC_DIR")
    return None if name is None else _writable(name)


@functools.cache
def _writable(name: str) -> Path:
    directory = Path(name)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(bytes(_FILE_SIZE))
    except OSError as error:
        problem = f"PROMETHEUS_MULTIPROC_DIR: {name} is not writable ({error.strerror})"
        config.end_start([f"{problem}; it must be a directory that all workers can write to"])
    return directory
