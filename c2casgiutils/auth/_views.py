"""The views to sign in and out, and the audit log."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse, RedirectResponse

from c2casgiutils.auth import (
    _audit,
    _audit_lists,
    _cookies,
    _cross_site,
    _forms,
    _pages,
    _returning,
    _sessions,
    _urls,
    _your_name,
)
from c2casgiutils.auth._dependencies import require_admin_access
from c2casgiutils.auth._identity import auth_type, get_auth
from c2casgiutils.auth._model import AuthenticationType, AuthInfo, AuthMethod
from c2casgiutils.auth._secret import WRONG, check_secret, given_secret
from c2casgiutils.auth._throttle import TooManyAttemptsError
from c2casgiutils.auth._urls import BadCameFromError
from c2casgiutils.auth._your_name import BadNameError
from c2casgiutils.auth.github._views import router as github_router


async def _no_speculation(request: Request) -> None:
    _cross_site.refuse_speculation(request)


# all of them, those of GitHub included: some change the session by a GET
router: APIRouter = APIRouter(tags=["authentication"], dependencies=[Depends(_no_speculation)])

_FORM: dict[str, Any] = {
    "requestBody": {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "secret": {"type": "string", "format": "password"},
                        "came_from": {"type": "string"},
                        "name": {"type": "string", "maxLength": _your_name.MAX_LENGTH},
                    },
                }
            }
        }
    }
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "No secret was given, or `name` is not accepted"},
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
    """Sign in with the form field `secret`, or the secret in the header or the query.

    Browsers are redirected to the form field `came_from`, by default to the index page. The form field `name`
    says who signs in; it is shown as unverified.
    """
    if _cross_site.is_caused_by_page(request):
        raise HTTPException(403, _cross_site.REFUSED)
    fields = await _forms.read(request)
    given = _form_secret(fields, request)
    answer = await _sign_in(request, response, given, fields.get("came_from", ()), fields.get("name", ()))
    return _cookies.copy_to(answer, response)


def _form_secret(fields: dict[str, list[str]], request: Request) -> bytes | None:
    values = fields.get("secret")
    if values is None:
        return given_secret(request)
    return values[0].encode() if len(values) == 1 else b""


async def _sign_in(
    request: Request,
    response: Response,
    given: bytes | None,
    came_from: Sequence[str] = (),
    names: Sequence[str] = (),
) -> Response:
    if auth_type() is not AuthenticationType.SECRET:
        raise HTTPException(404, "Sign-in with a secret is not configured")
    if _pages.prefers_html(request):
        return await _sign_in_browser(request, response, given, came_from, names)
    try:
        name = _your_name.parse(names)
    except BadNameError as error:
        raise HTTPException(400, str(error)) from None
    if not given:
        raise HTTPException(400, "The secret is missing: form field or query parameter secret, or X-API-Key")
    if not await check_secret(request, given):
        raise HTTPException(401, WRONG)
    await _start_session(request, response, name)
    return JSONResponse(SuccessResponse(message="Signed in").model_dump())


async def _sign_in_browser(
    request: Request,
    response: Response,
    given: bytes | None,
    came_from: Sequence[str],
    names: Sequence[str] = (),
) -> Response:
    try:
        target = _returning.target_of(request, came_from)
    except BadCameFromError as error:
        raise HTTPException(400, f"came_from is refused: {error}") from None
    try:
        name = _your_name.parse(names)
        if not given or not await check_secret(request, given):
            return _returning.redirect(request, target, sign_in="wrong")
    except BadNameError:
        return _returning.redirect(request, target, sign_in="name")
    except TooManyAttemptsError as error:
        answer = _returning.redirect(request, target, sign_in="throttled")
        answer.headers.update(error.headers or {})
        return answer
    await _start_session(request, response, name)
    if _sessions.is_out_of_path(request):
        return _returning.redirect(request, target, sign_in="prefix")
    if _cookies.may_be_lost(request):  # the page checks whether the cookie was accepted
        return _returning.redirect(request, target, sign_in="lost")
    return _returning.redirect(request, target)


async def redirect_without_secret(request: Request, came_from: str = "") -> Response:
    """Redirect a browser to the same URL without the secret, with a session if the secret is right.

    Otherwise the secret would stay in the address bar, the history, and the `Referer` of subresources.

    Args:
        request: The request.
        came_from: The URL without the secret, as `_returning.target_of` takes it.
    """
    if auth_type() is not AuthenticationType.SECRET:
        return RedirectResponse(_urls.index_path(request), 303)
    response = Response()
    answer = await _sign_in_browser(request, response, given_secret(request), [came_from])
    return _cookies.copy_to(answer, response)


async def _start_session(request: Request, response: Response, name: str) -> None:
    session = _sessions.start(request, response, AuthMethod.SECRET, name=name)
    caller = _sessions.caller_of(session)
    await _audit.record("auth.sign_in", request=request, auth_info=caller, target=AuthMethod.SECRET.value)


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
        return _returning.redirect(request, _urls.index_path(request))
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
