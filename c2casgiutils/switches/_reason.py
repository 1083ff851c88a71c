"""The reason of a change, as a field of a request."""

from typing import Annotated

from pydantic import Field

from c2casgiutils.config._texts import check_entered
from c2casgiutils.config._types import checked_by
from c2casgiutils.switches._entry import MAX_REASON_LENGTH


def _check_reason(reason: str) -> str:
    check_entered(reason, "a reason", MAX_REASON_LENGTH)
    return reason


Reason = Annotated[str, checked_by(_check_reason), Field(json_schema_extra={"maxLength": MAX_REASON_LENGTH})]
