"""Settings of the metrics."""

import re
from typing import Annotated

from pydantic import Field

from c2casgiutils.config._types import Group, Port, Secret, StringList, checked_by, matches

_PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_MAX_PACKAGES = 50


def _check_packages(value: list[str]) -> list[str]:
    wrong = [name for name in value if not _PACKAGE.fullmatch(name)]
    if wrong or len(value) > _MAX_PACKAGES:
        raise ValueError(f"must be at most {_MAX_PACKAGES} names of packages, separated by commas")
    return list(dict.fromkeys(value))


class Prometheus(Group):
    """Settings of the metrics."""

    prefix: Annotated[
        str, matches(r"[a-zA-Z_:][a-zA-Z0-9_:]*", "a metric name (letters, digits, _ and :, no digit first)")
    ] = Field(default="c2casgiutils_", description="Prefix of all metric names")
    port: Port = Field(default=9000, description="Port that serves the metrics; 0 to disable")
    address: str = Field(default="127.0.0.1", description="Address on which the metrics are served")
    bearer: Annotated[Secret, matches(r"[!-~]{16,}", "16 characters or more, without blanks")] | None = Field(
        default=None,
        description="Token that opens `/metrics` of the mounted application; 16 characters or more",
    )
    packages: Annotated[StringList, checked_by(_check_packages)] = Field(
        default=["c2casgiutils", "fastapi", "pydantic", "redis", "sqlalchemy", "starlette", "uvicorn"],
        description="Packages whose versions are shown; each is a time series",
    )
    application_package: Annotated[str, matches(_PACKAGE.pattern, "the name of a package")] | None = Field(
        default=None, description="Package of the application, whose version is shown"
    )
    smaps: bool = Field(
        default=False, description="Show the memory of each mapping; takes 10 ms or more for a scrape"
    )
