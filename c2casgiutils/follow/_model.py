"""What is followed."""

import dataclasses
import hashlib
import re
import secrets
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from c2casgiutils import logs

_ID_BYTES = 12
_TOKEN_BYTES = 24
_ID = re.compile(r"[A-Za-z0-9_-]{16}")


@dataclasses.dataclass(frozen=True, slots=True)
class Follow:
    """An active follow: which records of which requests are wanted.

    Attributes:
        id: Under which its lines are read.
        digest: Of the token that the requests carry; see `digest_of`.
        level: The lowest level of the lines.
        logger: The logger whose lines are wanted, with its children; empty for all.
    """

    id: str
    digest: str
    level: int
    logger: str = ""

    def wants(self, name: str, level: int) -> bool:
        """Return whether a record is wanted."""
        return level >= self.level and logs.is_within(name, self.logger)


class Value(BaseModel):
    """The value of the switch."""

    model_config = ConfigDict(strict=True)

    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    level: int = Field(ge=1)
    logger: str = Field(default="", max_length=200)


def create_id() -> str:
    """Return a new id."""
    return secrets.token_urlsafe(_ID_BYTES)


def create_token() -> str:
    """Return a new token that cannot be guessed."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def digest_of(token: bytes) -> str:
    """Return the digest that is stored instead of a token, so that Redis does not reveal the token."""
    return hashlib.sha256(token).hexdigest()


def parse(id_: str, value: Any) -> Follow:
    """Return the follow of a switch.

    Raises:
        ValueError: Not the value of one.
    """
    if not _ID.fullmatch(id_):
        raise ValueError("the id of a follow has 16 letters, digits, - and _")
    try:
        return Follow(id_, **Value.model_validate(value).model_dump())
    except ValidationError as error:
        raise ValueError(f"not a follow: {error.errors()[0]['msg']}") from None
