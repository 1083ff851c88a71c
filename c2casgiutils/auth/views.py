"""The views of the authentication."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from c2casgiutils.auth import audit
from c2casgiutils.auth.identity import get_auth
from c2casgiutils.auth.model import AuthInfo

router = APIRouter(tags=["authentication"])


class SuccessResponse(BaseModel):
    """What a sign-in or sign-out answers.

    Attributes:
        status: `success`.
        message: The same in words.
    """

    status: str = "success"
    message: str


@router.get("/auth/status", name="c2c_auth_status")
async def status(auth_info: Annotated[AuthInfo, Depends(get_auth)]) -> AuthInfo:
    """Who is calling."""
    return auth_info


@router.get("/auth/logout", name="c2c_logout")
@router.post("/auth/logout", name="c2c_logout")
async def logout(request: Request, auth_info: Annotated[AuthInfo, Depends(get_auth)]) -> SuccessResponse:
    """Sign out."""
    await audit.record("sign-out", request=request, auth_info=auth_info)
    return SuccessResponse(message="Signed out")
