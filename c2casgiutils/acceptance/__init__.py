"""Helpers for the acceptance tests of applications: connections, waiting, servers, images.

They need the extra `acceptance`. The names are resolved on first access (PEP 562): importing this package
loads none of the libraries of the extra.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from c2casgiutils.acceptance._composition import Composition, Service
    from c2casgiutils.acceptance._docker import DockerCompose
    from c2casgiutils.acceptance._processes import Process, free_port
    from c2casgiutils.acceptance._servers import PostgresqlServer, RedisServer
    from c2casgiutils.acceptance.connection import AsyncConnection, CacheExpected, Connection
    from c2casgiutils.acceptance.image import (
        async_check_screenshot,
        check_image,
        check_image_file,
        check_screenshot,
    )
    from c2casgiutils.acceptance.print import PrintConnection
    from c2casgiutils.acceptance.utils import (
        approx,
        async_retry_timeout,
        retry,
        retry_timeout,
        wait_url,
    )

__all__ = [
    "AsyncConnection",
    "CacheExpected",
    "Composition",
    "Connection",
    "DockerCompose",
    "PostgresqlServer",
    "PrintConnection",
    "Process",
    "RedisServer",
    "Service",
    "approx",
    "async_check_screenshot",
    "async_retry_timeout",
    "check_image",
    "check_image_file",
    "check_screenshot",
    "free_port",
    "retry",
    "retry_timeout",
    "wait_url",
]

_DEFINED_IN = {
    "AsyncConnection": "connection",
    "CacheExpected": "connection",
    "Composition": "_composition",
    "Connection": "connection",
    "DockerCompose": "_docker",
    "PostgresqlServer": "_servers",
    "PrintConnection": "print",
    "Process": "_processes",
    "RedisServer": "_servers",
    "Service": "_composition",
    "approx": "utils",
    "async_check_screenshot": "image",
    "async_retry_timeout": "utils",
    "check_image": "image",
    "check_image_file": "image",
    "check_screenshot": "image",
    "free_port": "_processes",
    "retry": "utils",
    "retry_timeout": "utils",
    "wait_url": "utils",
}

if not TYPE_CHECKING:  # otherwise type checkers would accept any name

    def __getattr__(name: str) -> Any:
        if name not in _DEFINED_IN:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = importlib.import_module(f"{__name__}.{_DEFINED_IN[name]}")
        return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
