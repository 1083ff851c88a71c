"""Settings of the forwarded headers."""

from typing import Annotated, Literal

from pydantic import Field

from c2casgiutils._trusted_hosts import TrustedHosts
from c2casgiutils.config._types import (
    AnyCase,
    Group,
    Port,
    StringList,
    checked_by,
)


def _check_trusted_hosts(hosts: list[str]) -> list[str]:
    """Reject what the middleware would reject, also while it is not used because the type is `none`."""
    try:
        TrustedHosts(hosts)
    except ValueError as error:
        raise ValueError(str(error).removeprefix("trusted_hosts ")) from None
    return hosts


class ProxyHeaders(Group):
    """Which forwarded headers are trusted, and from which hosts."""

    type: Annotated[Literal["none", "x-forwarded", "forwarded"], AnyCase] = Field(
        default="none", description="Family of headers that the proxy sets"
    )
    trusted_hosts: Annotated[StringList, checked_by(_check_trusted_hosts)] = Field(
        default=["127.0.0.1"], description="Hosts and networks of the proxies, comma-separated, or `*`"
    )
    apply_prefix: bool = Field(
        default=False,
        description="Prepend `X-Forwarded-Prefix`, which the proxy strips, to the root path",
    )
    force_proto: Annotated[Literal["http", "https"], AnyCase] | None = Field(
        default=None, description="Scheme of every request, whatever the headers say"
    )
    force_host: str | None = Field(
        default=None, description="Host of every request, whatever the headers say"
    )
    force_port: Port | None = Field(
        default=None, ge=1, description="Port of every request, whatever the headers say"
    )
    force_client: str | None = Field(
        default=None, description="Client address of every request, whatever the headers say"
    )
