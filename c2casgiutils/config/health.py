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
        default="authorized", description="Who can see the payloads of the checks"
    )
    timeout: PositiveDuration = Field(
        default=datetime.timedelta(seconds=2), description="Timeout of one check"
    )
    ttl: NotNegativeDuration = Field(
        default=datetime.timedelta(seconds=1), description="Time for which a result is cached"
    )
    webhook: Annotated[Secret, checked_by(check_url)] | None = Field(
        default=None, description="URL that is called when the state changes"
    )
