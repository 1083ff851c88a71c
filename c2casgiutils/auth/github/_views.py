"""The views for the sign-in with GitHub."""

import contextlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from starlette.responses import JSONResponse, RedirectResponse

from c2casgiutils import config
from c2casgiutils._error_bodies import body_with_detail
from c2casgiutils._errors import C2cError
from c2casgiutils.auth import (
    _audit,
    _cookies,
    _cross_site,
    _pages,
    _returning,
    _revocations,
    _sessions,
    _throttle,
    _urls,
)
from c2casgiutils.auth._identity import auth_type
from c2casgiutils.auth._model import AuthenticationType, AuthMethod
from c2casgiutils.auth._throttle import TooManyAttemptsError
from c2casgiutils.auth._urls import BadCameFromError
from c2casgiutils.auth.github import _oauth, _states
from c2casgiutils.auth.github._client import CodeRefusedError, GitHubUnavailableError

_MAX_CODE_LENGTH = 1024
# RFC 6749, 4.1.2.1, and those of GitHub:
# https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-authorization-request-errors
_ERRORS = frozenset(
    (
        "access_denied",
        "application_suspended",
        "invalid_request",
        "invalid_scope",
        "redirect_uri_mismatch",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_response_type",
    )
)
_NOT_HERE = "The sign-in was not started in this browser, or it has expired"
_PREFIX_IS_MISSING = (
    "A proxy strips the start of the path, so the session would be lost: let the proxy send "
    "X-Forwarded-Prefix, and set C2C__PROXY_HEADERS__TYPE=x-forwarded and "
    "C2C__PROXY_HEADERS__APPLY_PREFIX=True"
)
_HTTPS_ONLY = "browsers reject our cookies over plain HTTP: use HTTPS, or set C2C__HTTP=True for development"


async def _github_mode() -> None:
    if auth_type() is not AuthenticationType.GITHUB:
        raise HTTPException(404, "Sign-in with GitHub is not configured")
    if not config.settings.auth.jwt.secret:
        raise HTTPException(503, "C2C__AUTH__JWT__SECRET is missing")


router = APIRouter(prefix="/auth/github", dependencies=[Depends(_github_mode)])


class _SignInError(C2cError):
    """The sign-in failed; the text says why."""


def came_from(request: Request) -> str:
    """Return where to redirect to afterwards, by default the index page (a dependency)."""
    try:
        return _returning.target_of(request, request.query_params.getlist("came_from"))
    except BadCameFromError as error:
        raise HTTPException(400, f"came_from is refused: {error}") from None


_CameFrom = Annotated[str, Depends(came_from)]
_REDIRECT: dict[int | str, dict[str, Any]] = {307: {"description": "Where the browser goes on"}}


@router.get("/login", name="c2c_github_login", status_code=307, responses=_REDIRECT)
async def github_login(request: Request, response: Response, target: _CameFrom) -> Response:
    """Start the sign-in: redirect the browser to GitHub, which sends it back to the callback."""
    if _sessions.is_out_of_path(request):
        raise HTTPException(400, _PREFIX_IS_MISSING)
    redirect = _oauth.redirect_uri(_urls.callback_url(request))
    try:
        state = _states.begin(request, response, redirect=redirect, came_from=target)
    except _cookies.CookieTooLargeError:
        raise HTTPException(400, "came_from is too long") from None
    location = _oauth.authorize_url(state.state, state.verifier, state.redirect)
    return _cookies.copy_to(RedirectResponse(location, 307), response)


@router.get("/callback", name="c2c_github_callback", status_code=307, responses=_REDIRECT)
async def github_callback(request: Request, response: Response) -> Response:
    """Finish the sign-in: GitHub redirects the browser here."""
    try:
        answer = await _finish(request, response)
    except _SignInError as error:
        answer = _failure(request, str(error), 400, {})
    except (GitHubUnavailableError, TooManyAttemptsError) as error:
        answer = _failure(request, error.detail, error.status_code, dict(error.headers or {}))
    return _cookies.copy_to(answer, response)


async def _record_failure(request: Request, reason: str) -> None:
    """Record a failure, unless there are many: a flood would displace all other events of the audit log."""
    with contextlib.suppress(TooManyAttemptsError):
        await _throttle.count_wrong(request, AuthMethod.GITHUB_OAUTH.value, reason)


def _failure(request: Request, text: str, status_code: int, headers: dict[str, str]) -> Response:
    if _pages.prefers_html(request):
        retry = _urls.request_path(request).removesuffix("callback") + "login"
        return _pages.error_page(text, retry, status_code, headers)
    headers = {"X-Content-Type-Options": "nosniff", **headers}
    return JSONResponse(body_with_detail(status_code, text, error=text), status_code, headers)


def _single(request: Request, name: str) -> str | None:
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise _SignInError(f"{name} is given twice")
    return values[0] if values else None


async def _finish(request: Request, response: Response) -> Response:
    given = _single(request, "state")
    kept = _states.take(request, response, given) if given else None
    if kept is None:
        # not counted as a failure, as a page of another site can make its visitors send this request
        raise _SignInError(f"{_NOT_HERE}; {_HTTPS_ONLY}" if _cookies.may_be_lost(request) else _NOT_HERE)
    # each code causes a request to GitHub, so their number is limited
    async with _throttle.turn(request):
        try:
            return await _exchange(request, response, kept)
        except _SignInError as error:
            await _record_failure(request, str(error))
            raise


async def _exchange(request: Request, response: Response, kept: _states.State) -> Response:
    """Exchange the code for a session."""
    code = _code(request)
    if not await _revocations.consume(kept.id, kept.expires_at):
        raise _SignInError(_NOT_HERE)
    try:
        payload = await _oauth.exchange(code, kept.verifier, kept.redirect)
        _sessions.start(request, response, AuthMethod.GITHUB_OAUTH, payload)
    except CodeRefusedError as refusal:
        raise _SignInError(f"GitHub refuses the code: {refusal}") from None
    except _cookies.CookieTooLargeError:
        raise _SignInError("The session is too large for a cookie") from None
    caller = _sessions.caller_of(
        _sessions.Session(id="", method=AuthMethod.GITHUB_OAUTH, expires_at=0, github=payload)
    )
    await _audit.record("auth.sign_in", request=request, auth_info=caller, target="github_oauth")
    return RedirectResponse(kept.came_from, 307)


def _code(request: Request) -> str:
    error, code = _single(request, "error"), _single(request, "code")
    if error:
        # only known codes: otherwise the author of a link could choose the text of our page
        raise _SignInError(error if error in _ERRORS else "GitHub refuses the sign-in")
    if not code or len(code) > _MAX_CODE_LENGTH or not code.isascii() or not code.isprintable():
        raise _SignInError("The code is missing or not valid")
    return code


@router.get("/logout", name="c2c_github_logout", status_code=307, responses=_REDIRECT)
async def github_logout_by_link(request: Request, response: Response, target: _CameFrom) -> Response:
    """Sign out; if a page of another site links here, ask for confirmation first."""
    if _cross_site.is_cross_site(request):
        return _pages.confirmation_page(_oauth.add_query(_urls.request_path(request), {"came_from": target}))
    return await _sign_out(request, response, RedirectResponse(target, 307))


@router.post("/logout", status_code=303, responses={303: {"description": "Where the browser goes on"}})
async def github_logout(request: Request, response: Response, target: _CameFrom) -> Response:
    """Sign out."""
    if _cross_site.is_cross_site(request):
        raise HTTPException(403, _cross_site.REFUSED)
    return await _sign_out(request, response, RedirectResponse(target, 303))


async def _sign_out(request: Request, response: Response, answer: Response) -> Response:
    session = await _sessions.end(request, response)
    if session is not None:
        await _audit.record("auth.sign_out", request=request, auth_info=_sessions.caller_of(session))
    return _cookies.copy_to(answer, response)
