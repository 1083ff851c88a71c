"""Who looks at a page, and what this caller may do."""

import dataclasses

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from c2casgiutils import auth


@dataclasses.dataclass(frozen=True)
class Caller:
    """The caller; `trouble` says why the permissions could not be checked."""

    info: auth.AuthInfo
    mode: str
    can_read: bool
    can_write: bool
    is_admin: bool
    trouble: str | None = None

    def has(self, level: str) -> bool:
        """Return whether the caller has a level: `read-only`, `read-write` or `admin`."""
        return {"read-only": self.can_read, "read-write": self.can_write, "admin": self.is_admin}[level]

    @property
    def name(self) -> str:
        """The name to show."""
        user = self.info.user
        return user.display_name or user.login or "Shared secret"

    @property
    def role(self) -> str:
        """The access level, in words."""
        if self.is_admin:
            return "administrator"
        if self.can_write:
            return "read and write"
        return "read only" if self.can_read else "no access"


async def caller_of(request: Request, response: Response) -> Caller:
    """Return the caller, anonymous if the permissions cannot be checked; never raises."""
    mode = auth.auth_type().name
    info = auth.AuthInfo(session_payload=None)
    try:
        info = await auth.get_auth(request, response)
        return Caller(
            info,
            mode,
            can_read=await auth.check_read_only_access(info, request, response),
            can_write=await auth.check_read_write_access(info, request, response),
            is_admin=await auth.check_admin_access(info, request, response),
        )
    except HTTPException as error:
        return Caller(info, mode, can_read=False, can_write=False, is_admin=False, trouble=str(error.detail))
