"""The settings of a process, and a comparison with those of others that reveals none of them."""

import hashlib
import hmac
import json
from typing import Any

from pydantic import BaseModel, Field

from c2casgiutils import config, instances

_LENGTH = 32


class Setting(BaseModel):
    """A setting of the process that answers."""

    name: str = Field(description="The environment variable")
    value: Any = Field(description="As JSON, durations in ISO 8601; what is secret in it is `***`")
    source: config.Source = Field(description="`code` if the application changed it")
    is_default: bool
    secret: bool
    differs: bool | None = Field(
        description="Whether another process has another value; null for a secret that cannot be compared, "
        "as there is no `C2C__REDIS__BROADCAST_SECRET`"
    )


class Fingerprints(BaseModel):
    """The fingerprints of the settings of one process; null for what cannot be compared."""

    instance: str
    settings: dict[str, str | None]


def fingerprints(nonce: str) -> Fingerprints:
    """Return a fingerprint of each setting, for one comparison.

    The key is `C2C__REDIS__BROADCAST_SECRET`: whoever reads the messages in Redis could otherwise guess short
    secrets. Without it secrets have no fingerprint.

    Args:
        nonce: A random text of whoever compares, so that two comparisons have nothing in common.
    """
    key = config.settings.redis.broadcast_secret
    found = {
        one.name: None if one.is_secret and not key else _fingerprint(key or "", nonce, one.name, one.value)
        for one in config.describe_settings(config.settings)
    }
    return Fingerprints(instance=instances.own_id(), settings=found)


def _fingerprint(key: str, nonce: str, name: str, value: Any) -> str:
    text = json.dumps(["c2c settings", nonce, name, value], sort_keys=True)
    return hmac.new(key.encode(errors="surrogatepass"), text.encode(), hashlib.sha256).hexdigest()[:_LENGTH]


def compare_settings(answers: list[Fingerprints]) -> list[Setting]:
    """Return the settings of this process, and whether they differ from those of others.

    Args:
        answers: Of all processes, for one nonce.
    """
    return [
        Setting(
            name=one.name,
            value=one.shown,
            source=one.source,
            is_default=one.is_default,
            secret=one.is_secret,
            differs=_differs(
                [answer.settings[one.name] for answer in answers if one.name in answer.settings]
            ),
        )
        for one in config.describe_settings(config.settings)
    ]


def _differs(found: list[str | None]) -> bool | None:
    """Return whether there are several values; one process alone has the same as itself."""
    if len(set(found) - {None}) > 1:
        return True
    return None if None in found and len(found) > 1 else False
