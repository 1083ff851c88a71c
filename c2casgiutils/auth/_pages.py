"""The HTML pages of the sign-in; they do not depend on styles, scripts or files of other views."""

import html
import re

from fastapi import Request
from starlette.responses import HTMLResponse

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache, no-store",
    # a form under `no-referrer` is sent with the origin `null`
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
{more}
</main>
</body>
</html>
"""


def prefers_html(request: Request) -> bool:
    """Return whether the client prefers HTML to JSON, by `Accept` (RFC 9110, 12.5.1)."""
    accepted = dict(_accepted(",".join(request.headers.getlist("accept"))))
    anything = accepted.get("*/*", 0.0)
    page = accepted.get("text/html", accepted.get("text/*", anything))
    return page > accepted.get("application/json", accepted.get("application/*", anything))


def _accepted(header: str) -> list[tuple[str, float]]:
    ranges = []
    for item in header.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        ranges.append((name, float(quality) if re.fullmatch(r"[01](\.[0-9]{0,3})?", quality) else 0.0))
    return ranges


def _page(title: str, text: str, more: str, status_code: int, headers: dict[str, str]) -> HTMLResponse:
    content = _PAGE.format(title=html.escape(title), text=html.escape(text), more=more)
    return HTMLResponse(content, status_code, {**_HEADERS, **headers})


def confirmation_page(action: str) -> HTMLResponse:
    """Return a page that asks whether to sign out.

    Args:
        action: The URL that the form is sent to.
    """
    form = (
        f'<form method="post" action="{html.escape(action)}"><button type="submit">Sign out</button></form>'
    )
    return _page("Sign out", "Another site asks to sign you out.", form, 200, {})


def error_page(text: str, retry: str, status_code: int, headers: dict[str, str]) -> HTMLResponse:
    """Return a page that says why the sign-in failed.

    Args:
        text: The reason.
        retry: The URL to try again.
        status_code: The status of the response.
        headers: Additional headers.
    """
    link = f'<p><a href="{html.escape(retry)}">Try again</a></p>'
    return _page("The sign-in failed", text, link, status_code, headers)
