"""Settings of the health checks."""

import datetime
from typing import Annotated, Literal

from pydantic import Field

from c2casgiutils.config._types import (
    AnyCase,
    Group,
    NotNegativeDuration,
    PositiveDuration,
    Secret,
    check_url,
    checked_by,
)


class Health(Group):
    """Settings of the health checks."""

    details: Annotated[Literal["never", "authorized", "always"], AnyCase] = Field(
        default="authorized", description="Who sees the payloads of the checks"
    )
    timeout: PositiveDuration = Field(
        default=datetime.timedelta(seconds=2), description="Time that one check may take"
    )
    ttl: NotNegativeDuration = Field(
        default=datetime.timedelta(seconds=1), description="Time that a result is kept"
    )
    webhook: Annotated[Secret, checked_by(check_url)] | None = Field(
        default=None, description="Address told about changes of state"
    )
