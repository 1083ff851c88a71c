"""Settings of Redis."""

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainSerializer
from pydantic_settings import NoDecode

from c2casgiutils._secrets import MASK, is_secret_name
from c2casgiutils.config._types import Group, MaskedStr, Secret, check_url, checked_by, read_by, read_yaml

_PAIR = re.compile(
    r"""\s*(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>"[^"]*"|'[^']*'|\[[^]]*]|\{[^}]*}|[^,]*?)\s*(?:,|$)""",
    re.ASCII,
)
_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[^]]+)]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>[0-9]{1,5})", re.ASCII)
_NEXT_URL = re.compile(r"\s*,\s*(?=\w+://)")
_HOSTS = re.compile(r"(?P<before>\w+://(?:[^/?#]*@)?)(?P<hosts>[^/?#@]+)(?P<after>.*)", re.DOTALL)
_CREDENTIALS = ("username", "password")
_NUMBERS = ("socket_timeout", "socket_connect_timeout", "health_check_interval", "max_connections", "timeout")
_MAX_PORT = 65535

DEFAULT_BROADCAST_PREFIX = "broadcast_api_"


def parse_options(text: str) -> dict[str, Any]:
    """Parse `name=value,name=value` with YAML values (`socket_timeout=5,ssl=True`).

    A value that contains a comma is quoted or a YAML list (`password="a,b",retry_on_error=[a,b]`).
    Credentials are always text, even when they consist of digits.

    Raises:
        ValueError: A pair is invalid; the message gives its position, never its value.
    """
    options: dict[str, Any] = {}
    end, number = 0, 0
    while end < len(text):
        number += 1
        match = _PAIR.match(text, end)
        if match is None:
            raise ValueError(f"pair {number} must have the form name=value")
        options[match["name"]] = _read_value(match["name"], match["value"], number)
        end = match.end()
    return options


def _read_value(name: str, text: str, number: int) -> Any:
    if name in _CREDENTIALS and text[:1] not in ("'", '"'):
        return text
    value = read_yaml(text, f"the value of pair {number} ({name}) is not valid YAML")
    if name in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float | None)):
        raise ValueError(f"the value of pair {number} ({name}) must be a number")
    return value


def _mask(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: MaskedStr(value) if isinstance(value, str) and is_secret_name(name) else value
        for name, value in options.items()
    }


def parse_sentinels(text: str) -> list[tuple[str, int]]:
    """Parse `host:port,host:port`; the brackets of an IPv6 address are removed.

    Raises:
        ValueError: One is invalid; the message gives its position.
    """
    return [_read_address(part.strip(), number) for number, part in enumerate(text.split(","), start=1)]


def _read_address(text: str, number: int) -> tuple[str, int]:
    invalid = ValueError(f"sentinel {number} must have the form host:port")
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 < int(match["port"]) <= _MAX_PORT:
        raise invalid
    if match["ipv6"]:
        try:
            ipaddress.IPv6Address(match["ipv6"])
        except ValueError:
            raise invalid from None
    return match["ipv6"] or match["host"], int(match["port"])


def _if_text(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: parse(value) if isinstance(value, str) else value


def parse_addresses(text: str) -> list[str]:
    """Read the start nodes of a cluster, `redis://a:1,b:2` or `redis://a:1,redis://b:2`, as one URL each.

    A comma before the `@` belongs to the password. Credentials and options of a URL count for each of its
    hosts.
    """
    addresses = []
    for url in _NEXT_URL.split(text):
        match = _HOSTS.fullmatch(url)
        if match is None:
            return [text]
        hosts = [host.strip() for host in match["hosts"].split(",")]
        addresses += [f"{match['before']}{host}{match['after']}" for host in hosts]
    return addresses


def _check_redis_url(text: str) -> str:
    addresses = [check_url(url, ("redis", "rediss", "unix")) for url in parse_addresses(text)]
    if len({_HOSTS.sub(r"\g<before>", url) for url in addresses}) > 1:
        raise ValueError("has several addresses; accepted are those with one scheme and the same credentials")
    return text


def _check_sentinels(text: str) -> str:
    parse_sentinels(text)
    return text


ClientOptions = Annotated[
    dict[str, Any],
    NoDecode,
    read_by(_if_text(parse_options)),
    AfterValidator(_mask),
    PlainSerializer(lambda options: dict.fromkeys(options, MASK), when_used="json"),
]


class Redis(Group):
    """How to connect to Redis, and how the processes communicate through it."""

    url: Annotated[Secret, checked_by(_check_redis_url)] | None = Field(
        default=None,
        description="URL (`redis://`, `rediss://` or `unix://`), or several of a Cluster, separated by "
        "commas; without it each process works alone",
    )
    options: ClientOptions = Field(
        default={},
        description="Further options of the client: `name=value,name=value`, with YAML values",
    )
    sentinels: Annotated[str, checked_by(_check_sentinels)] | None = Field(
        default=None, description="Sentinels that are asked for the master: `host:port,host:port`"
    )
    sentinel_options: ClientOptions = Field(
        default={},
        description="Options of the connections to the Sentinels, as `OPTIONS`; by default the credentials, "
        "the time-outs and the TLS options of Redis",
    )
    servicename: str | None = Field(
        default=None, description="Name of the service that the Sentinels monitor"
    )
    db: int = Field(
        default=0,
        ge=0,
        description="Database number; what the processes share about themselves is always in database 0",
    )
    broadcast_prefix: str = Field(
        default=DEFAULT_BROADCAST_PREFIX, description="Prefix of all channel and key names"
    )
    broadcast_secret: Secret | None = Field(
        default=None, description="Key that signs the messages between processes; the same in all of them"
    )
    cluster: bool = Field(
        default=False, description="The URL is that of a Redis Cluster: of one node or of several"
    )
    metrics: bool = Field(
        default=False, description="Measure the commands of the clients of `redis_utils.get()`"
    )


def missing_of_sentinels(redis: Redis) -> list[str]:
    """Return one message for each variable that the Sentinels require and that is missing."""
    if redis.sentinels and not redis.servicename:
        return ["C2C__REDIS__SERVICENAME: is missing; set it to the service that the Sentinels monitor"]
    return []


def several_addresses(redis: Redis) -> list[str]:
    """Return a message if there are several addresses that are not those of a cluster."""
    if redis.url and not redis.cluster and not redis.sentinels and len(parse_addresses(redis.url)) > 1:
        return ["C2C__REDIS__URL: has several addresses; set C2C__REDIS__CLUSTER=True, or give one"]
    return []


def shared_prefix(redis: Redis) -> list[str]:
    """Return a message if the prefix may be shared by services with different secrets."""
    is_used = bool(redis.url or redis.sentinels)
    if is_used and redis.broadcast_secret and redis.broadcast_prefix == DEFAULT_BROADCAST_PREFIX:
        problem = (
            "C2C__REDIS__BROADCAST_PREFIX: is required with C2C__REDIS__BROADCAST_SECRET, as services with "
            "different secrets cannot share a prefix; set it to a name of this service, such as myservice_"
        )
        return [problem]
    return []
