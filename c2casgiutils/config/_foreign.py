"""Environment variables of other programs that this library reads too."""

import os
from typing import Literal

ForeignVariable = Literal["GIT_HASH", "PROMETHEUS_MULTIPROC_DIR", "SENTRY_DSN", "SENTRY_RELEASE"]


def foreign(name: ForeignVariable) -> str | None:
    """Return the value of the variable; an empty one counts as unset."""
    return os.environ.get(name, "").strip() or None  # noqa: TID251  # this package is the reader
