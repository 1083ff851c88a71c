"""The reason of a change, as a field of a request."""

from typing import Annotated

from pydantic import Field

from c2casgiutils import config
from c2casgiutils.config._types import checked_by
from c2casgiutils.switches._entry import MAX_REASON_LENGTH


def _check_reason(reason: str) -> str:
    if len(reason) > MAX_REASON_LENGTH or not reason.isprintable():
        raise ValueError(f"a reason must have at most {MAX_REASON_LENGTH} printable characters")
    secret = config.settings.auth.secret
    if secret and secret in reason:
        raise ValueError("a reason must not contain the secret")
    return reason


Reason = Annotated[str, checked_by(_check_reason), Field(json_schema_extra={"maxLength": MAX_REASON_LENGTH})]
