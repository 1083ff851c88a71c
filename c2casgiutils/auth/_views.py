"""The views to sign in and out, and the audit log."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse, RedirectResponse

from c2casgiutils.auth import _audit, _audit_lists, _cookies, _cross_site, _forms, _pages, _sessions, _urls
from c2casgiutils.auth._dependencies import require_admin_access
from c2casgiutils.auth._identity import auth_type, get_auth
from c2casgiutils.auth._model import AuthenticationType, AuthInfo, AuthMethod
from c2casgiutils.auth._secret import WRONG, check_secret, given_secret
from c2casgiutils.auth._throttle import TooManyAttemptsError
from c2casgiutils.auth.github._views import router as github_router


async def _no_speculation(request: Request) -> None:
    _cross_site.refuse_speculation(request)


# all of them, those of GitHub included: some change the session by a GET
router = APIRouter(tags=["authentication"], dependencies=[Depends(_no_speculation)])

_FORM: dict[str, Any] = {
    "requestBody": {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {"secret": {"type": "string", "format": "password"}},
                }
            }
        }
    }
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "No secret was given"},
    401: {"description": WRONG},
    429: {"description": "Too many wrong secrets"},
}


router.include_router(github_router)


class SuccessResponse(BaseModel):
    """The result of a sign-in or sign-out.

    Attributes:
        status: `success`.
        message: The result in words.
    """

    status: str = "success"
    message: str


@router.get("/auth/status", name="c2c_auth_status")
async def status(auth_info: Annotated[AuthInfo, Depends(get_auth)]) -> AuthInfo:
    """Return the caller."""
    return auth_info


@router.get("/auth/login", name="login", response_model=SuccessResponse, responses=_REFUSALS)
async def login_by_link(request: Request, response: Response) -> Response:
    """Sign in with the secret in the header or the query; browsers are redirected to a URL without it."""
    return _cookies.copy_to(await _sign_in(request, response, given_secret(request)), response)


@router.post("/auth/login", response_model=SuccessResponse, responses=_REFUSALS, openapi_extra=_FORM)
async def login(request: Request, response: Response) -> Response:
    """Sign in with the form field `secret`, or the secret in the header or the query."""
    if _cross_site.is_caused_by_page(request):
        raise HTTPException(403, _cross_site.REFUSED)
    given = await _form_secret(request)
    answer = await _sign_in(request, response, given_secret(request) if given is None else given)
    return _cookies.copy_to(answer, response)


async def _form_secret(request: Request) -> bytes | None:
    values = (await _forms.read(request)).get("secret")
    if values is None:
        return None
    return values[0].encode() if len(values) == 1 else b""


async def _sign_in(request: Request, response: Response, given: bytes | None) -> Response:
    if auth_type() is not AuthenticationType.SECRET:
        raise HTTPException(404, "Sign-in with a secret is not configured")
    if _pages.prefers_html(request):
        return await _sign_in_browser(request, response, given)
    if not given:
        raise HTTPException(400, "The secret is missing: form field or query parameter secret, or X-API-Key")
    if not await check_secret(request, given):
        raise HTTPException(401, WRONG)
    await _start_session(request, response)
    return JSONResponse(SuccessResponse(message="Signed in").model_dump())


async def _sign_in_browser(request: Request, response: Response, given: bytes | None) -> Response:
    index = _urls.index_path(request)
    try:
        if not given or not await check_secret(request, given):
            return RedirectResponse(f"{index}?sign_in=wrong", 303)
    except TooManyAttemptsError as error:
        return RedirectResponse(f"{index}?sign_in=throttled", 303, error.headers)
    await _start_session(request, response)
    # the page checks whether the cookie was accepted
    return RedirectResponse(f"{index}?sign_in=lost" if _cookies.may_be_lost(request) else index, 303)


async def redirect_without_secret(request: Request) -> Response:
    """Redirect a browser to the same URL without the secret, with a session if the secret is right.

    Otherwise the secret would stay in the address bar, the history, and the `Referer` of subresources.
    """
    if auth_type() is not AuthenticationType.SECRET:
        return RedirectResponse(_urls.index_path(request), 303)
    response = Response()
    return _cookies.copy_to(await _sign_in_browser(request, response, given_secret(request)), response)


async def _start_session(request: Request, response: Response) -> None:
    _sessions.start(request, response, AuthMethod.SECRET)
    signed_in = AuthInfo(is_logged_in=True, type=AuthMethod.SECRET)
    await _audit.record("auth.sign_in", request=request, auth_info=signed_in, target=AuthMethod.SECRET.value)


@router.get("/auth/logout", name="c2c_logout", response_model=SuccessResponse)
async def logout_by_link(request: Request, response: Response) -> Response:
    """Sign out; if a page of another site links here, ask for confirmation first."""
    if _cross_site.is_cross_site(request):
        return _pages.confirmation_page(_urls.request_path(request))
    return _cookies.copy_to(await _sign_out(request, response), response)


@router.post("/auth/logout", response_model=SuccessResponse)
async def logout(request: Request, response: Response) -> Response:
    """Sign out."""
    if _cross_site.is_cross_site(request):
        raise HTTPException(403, _cross_site.REFUSED)
    return _cookies.copy_to(await _sign_out(request, response), response)


async def _sign_out(request: Request, response: Response) -> Response:
    session = await _sessions.end(request, response)
    if session is not None:
        await _audit.record("auth.sign_out", request=request, auth_info=_sessions.caller_of(session))
    if _pages.prefers_html(request):
        return RedirectResponse(_urls.index_path(request), 303)
    return JSONResponse(SuccessResponse(message="Signed out").model_dump())


class AuditResponse(BaseModel):
    """The last audit events.

    Attributes:
        scope: `cluster` for the events of all processes, `process` for those of the responding one.
        events: The events, newest first.
    """

    scope: str
    events: list[_audit_lists.AuditEvent]


@router.get("/audit", name="c2c_audit", dependencies=[Depends(require_admin_access)])
async def show_audit(
    limit: Annotated[int, Query(ge=1, le=_audit_lists.MAX_EVENTS)] = 100,
    kind: Annotated[_audit_lists.Kind, Query(description="`refusals` for the wrong credentials")] = "changes",
) -> AuditResponse:
    """Who signed in and who changed what, or whose credentials were refused."""
    scope, events = await _audit.last(limit, kind)
    return AuditResponse(scope=scope, events=events)
