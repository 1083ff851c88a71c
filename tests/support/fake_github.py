"""A GitHub of our own: a real HTTP server on the loopback with scripted users, permissions and troubles."""

import asyncio
import base64
import collections
import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.support.net import free_port, wait_for

CLIENT_ID = "client-of-the-tests"
CLIENT_SECRET = "client-secret-of-the-tests"


@dataclass
class Repository:
    """A repository and who may do what with it."""

    private: bool = True
    permissions: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class _Grant:
    login: str
    redirect_uri: str
    challenge: str


class FakeGitHub:
    """Use it as a context manager; the attributes script it while it runs.

    Attributes:
        user: The login of who sits at the browser; none refuses.
        users: The users by login, as the API shows them.
        repositories: The repositories by name.
        expires_in: Seconds that access tokens last; none for tokens that last.
        trouble: The trouble by path prefix, of `_TROUBLES`.
        moved: Where a path is now, and the status that says so.
        calls: How often each path was asked.
        forms: What the token endpoint was asked.
        cookies: What came along with each question of a server.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.reset()

    def reset(self) -> None:
        """Start from the first script again, and forget everybody."""
        self.user: str | None = "octocat"
        self.users: dict[str, dict[str, Any]] = {
            "octocat": {"login": "octocat", "name": "The Octocat", "html_url": "https://github.com/octocat"}
        }
        self.repositories = {"org/repo": Repository(permissions={"octocat": ["pull"]})}
        self.expires_in: int | None = None
        self.delay_seconds = 0.0
        self.trouble: dict[str, str] = {}
        self.moved: dict[str, tuple[int, str]] = {}
        self.calls: collections.Counter[str] = collections.Counter()
        self.forms: list[dict[str, str]] = []
        self.cookies: list[str] = []
        self._codes: dict[str, _Grant] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        self._refresh_tokens: dict[str, str] = {}

    def settings(self, **changes: Any) -> dict[str, Any]:
        """The settings of an application that signs in here."""
        return {
            "repository": "org/repo",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "authorize_url": f"{self.url}/login/oauth/authorize",
            "token_url": f"{self.url}/login/oauth/access_token",
            "user_url": f"{self.url}/user",
            "repo_url": f"{self.url}/repos",
            **changes,
        }

    def environment(self, **changes: str) -> dict[str, str]:
        """The same as environment variables."""
        settings = {**self.settings(), **changes}
        return {f"C2C__AUTH__GITHUB__{name.upper()}": value for name, value in settings.items()}

    def token(self, login: str = "octocat") -> str:
        """A token of a user."""
        token = f"gho_{secrets.token_hex(18)}"
        ends_at = time.time() + self.expires_in if self.expires_in is not None else float("inf")
        self._tokens[token] = (login, ends_at)
        return token

    def revoke_tokens(self) -> None:
        """Let all tokens be over."""
        self._tokens.clear()
        self._refresh_tokens.clear()

    # the server

    def __enter__(self) -> Self:
        routes = [
            Route("/login/oauth/authorize", self._authorize),
            Route("/login/oauth/access_token", self._access_token, methods=["POST"]),
            Route("/moved/access_token", self._access_token, methods=["GET", "POST"]),
            Route("/user", self._user),
            Route("/old-user", self._user),
            Route("/repos/{owner}/{name}", self._repository),
            Route("/loop", lambda _: RedirectResponse("/loop")),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), "127.0.0.1", self.port, log_level="critical", lifespan="off", ws="none"
        )
        server = self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
        self._thread.start()
        wait_for(lambda: server.started, what="the fake GitHub")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)

    async def _in_trouble(self, request: Request) -> Response | None:
        path = request.url.path
        self.calls[path] += 1
        if path != "/login/oauth/authorize":
            self.cookies.append(request.headers.get("cookie", ""))
        await asyncio.sleep(self.delay_seconds)
        if path in self.moved:
            status, location = self.moved[path]
            return Response(status_code=status, headers={"Location": location} if location else {})
        kind = next((kind for prefix, kind in self.trouble.items() if path.startswith(prefix)), None)
        if kind is None:
            return None
        if kind == "hang":
            await asyncio.sleep(60)
        answer: Response = _TROUBLES[kind]()
        return answer

    async def _authorize(self, request: Request) -> Response:
        if trouble := await self._in_trouble(request):
            return trouble
        query = request.query_params
        if query["client_id"] != CLIENT_ID or query["code_challenge_method"] != "S256":
            return Response("a wrong request", 400)
        redirect, answer = query["redirect_uri"], {"state": query["state"]}
        if self.user is None:
            answer["error"] = "access_denied"
        else:
            answer["code"] = secrets.token_hex(10)
            self._codes[answer["code"]] = _Grant(self.user, redirect, query["code_challenge"])
        return RedirectResponse(
            f"{redirect}{'&' if urlsplit(redirect).query else '?'}{urlencode(answer)}", 302
        )

    async def _access_token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        self.forms.append(form)
        if trouble := await self._in_trouble(request):
            return trouble
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "incorrect_client_credentials"})
        if form.get("grant_type") == "refresh_token":
            login = self._refresh_tokens.pop(form["refresh_token"], None)
            return self._answer(login) if login else JSONResponse({"error": "bad_refresh_token"})
        grant = self._codes.pop(form.get("code", ""), None)
        if grant is None:
            return JSONResponse({"error": "bad_verification_code"})
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (grant.challenge, grant.redirect_uri) != (challenge, form.get("redirect_uri")):
            return JSONResponse({"error": "redirect_uri_mismatch"})
        return self._answer(grant.login)

    def _answer(self, login: str) -> Response:
        answer: dict[str, Any] = {"access_token": self.token(login), "token_type": "bearer", "scope": "repo"}
        if self.expires_in is not None:
            refresh_token = f"ghr_{secrets.token_hex(38)}"
            self._refresh_tokens[refresh_token] = login
            answer |= {"expires_in": self.expires_in, "refresh_token": refresh_token}
            answer["refresh_token_expires_in"] = 15897600
        return JSONResponse(answer, headers={"Set-Cookie": f"logged_in={login}"})

    def _login_of(self, request: Request) -> str | None:
        login, ends_at = self._tokens.get(request.headers.get("authorization", "")[7:], (None, 0.0))
        return login if ends_at > time.time() else None

    async def _user(self, request: Request) -> Response:
        if trouble := await self._in_trouble(request):
            return trouble
        login = self._login_of(request)
        return JSONResponse(self.users[login]) if login else JSONResponse({"message": "Bad credentials"}, 401)

    async def _repository(self, request: Request) -> Response:
        if trouble := await self._in_trouble(request):
            return trouble
        login = self._login_of(request)
        if login is None:
            return JSONResponse({"message": "Bad credentials"}, 401)
        name = "{owner}/{name}".format(**request.path_params)
        repository = self.repositories.get(name)
        granted = repository.permissions.get(login, []) if repository else []
        if repository is None or (repository.private and not granted):
            return JSONResponse({"message": "Not Found"}, 404)
        # GitHub lets everybody read what is public
        granted = granted if repository.private else [*granted, "pull"]
        permissions = {each: each in granted for each in ("admin", "maintain", "push", "triage", "pull")}
        return JSONResponse({"full_name": name, "private": repository.private, "permissions": permissions})


def _flood() -> Response:
    async def body() -> Any:
        yield b'{"private": true, "permissions": {"admin": true, "pull": true}, "more": "'
        for _ in range(160):
            yield b"x" * 65536
        yield b'"}'

    return StreamingResponse(body(), media_type="application/json")


_LIMIT = {"x-ratelimit-remaining": "0", "x-ratelimit-limit": "5000"}

_TROUBLES: dict[str, Any] = {
    "hang": Response,
    "bad gateway": lambda: Response("<html>Unicorn!</html>", 502, media_type="text/html"),
    "rate limit": lambda: JSONResponse({"message": "API rate limit exceeded"}, 403, _LIMIT),
    "secondary rate limit": lambda: JSONResponse({"message": "wait"}, 429, {"retry-after": "7"}),
    "limited in words": lambda: JSONResponse({"message": "You have exceeded a secondary rate limit"}, 403),
    "login attempts": lambda: JSONResponse(
        {"message": "Maximum number of login attempts exceeded. Please try again later."}, 403
    ),
    "forbidden": lambda: JSONResponse({"message": "Resource not accessible"}, 403),
    "list": lambda: JSONResponse([{"permissions": {"admin": True}}]),
    "truncated": lambda: Response('{"permissions": {"admin": tr', media_type="application/json"),
    "html": lambda: Response("<html>", media_type="text/html"),
    "redirect": lambda: RedirectResponse("/loop"),
    "flood": _flood,
    "unavailable": lambda: JSONResponse({"message": "maintenance"}, 503),
    "bad request": lambda: Response("no", 400),
    "bad credentials": lambda: JSONResponse({"message": "Bad credentials"}, 401),
    "refused": lambda: JSONResponse({"error": "bad_refresh_token"}, 400),
    "odd user": lambda: JSONResponse({"login": 5}),
    "odd permissions": lambda: JSONResponse({"private": True, "permissions": {"admin": "yes", "pull": 1}}),
    "no permissions": lambda: JSONResponse({"private": True}),
}
