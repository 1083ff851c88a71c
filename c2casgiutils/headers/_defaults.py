"""The sets of headers that come with the library.

Sources: OWASP Secure Headers Project and the MDN HTTP Observatory.
"""

from typing import cast

from c2casgiutils.headers._matchers import HeaderMatcher, LibraryMatcher
from c2casgiutils.headers._values import Header

_LOCALHOST = r"(?i)(localhost|127\.0\.0\.1|\[::1\])(:\d*)?\Z"
_HTML = r"(?i)text/html\b"
_CDN = "https://cdn.jsdelivr.net/npm"
_FAVICON = "https://fastapi.tiangolo.com/img/"


def _matcher(**members: object) -> HeaderMatcher:
    """Mark the matcher as the library's: headers set by an endpoint override it."""
    return cast("HeaderMatcher", LibraryMatcher({"order": -1, **members}))


_BASE: dict[str, Header] = {
    # Only resources of the application itself: no script, style, image or frame from other sites.
    "Content-Security-Policy": {"default-src": ["'self'"]},
    # No other site may embed a page in a frame (clickjacking).
    "X-Frame-Options": "DENY",
    # HTTPS only, for one year. Whether to use `preload` is up to the owner of the domain.
    "Strict-Transport-Security": ["max-age=31536000", "includeSubDomains"],
    # Browsers must not guess another content type.
    "X-Content-Type-Options": "nosniff",
    # Do not disclose URLs to other sites.
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": ["geolocation=()", "microphone=()"],
    "X-DNS-Prefetch-Control": "off",
    # A separate process if the browser supports it, and no memory shared with documents of other origins.
    "Origin-Agent-Cluster": "?1",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# HSTS on a developer's machine would break plain HTTP for all other projects on it.
_LOCALHOST_MATCHER = _matcher(netloc_match=_LOCALHOST, headers={"Strict-Transport-Security": None})

# FastAPI's page has an inline script that differs with the application, so no hash can name it. Its assets
# are on other hosts that promise no Cross-Origin-Resource-Policy.
_DOCS_MATCHER = _matcher(
    documentation="docs",
    content_type_match=_HTML,
    headers={
        "Content-Security-Policy": {
            "default-src": ["'self'"],
            "script-src": ["'self'", "'unsafe-inline'", f"{_CDN}/swagger-ui-dist@5/"],
            "style-src": ["'self'", "'unsafe-inline'", f"{_CDN}/swagger-ui-dist@5/"],
            "img-src": ["'self'", "data:", _FAVICON],
        },
        "Cross-Origin-Embedder-Policy": None,
    },
)

_REDOC_MATCHER = _matcher(
    documentation="redoc",
    content_type_match=_HTML,
    headers={
        "Content-Security-Policy": {
            "default-src": ["'self'"],
            "script-src": ["'self'", f"{_CDN}/redoc@2/"],
            "style-src": ["'self'", "'unsafe-inline'", "https://fonts.googleapis.com/css"],
            "font-src": ["'self'", "https://fonts.gstatic.com/"],
            "img-src": ["'self'", "data:", _FAVICON, "https://cdn.redoc.ly/redoc/"],
            "worker-src": ["'self'", "blob:"],
        },
        "Cross-Origin-Embedder-Policy": None,
    },
)

_PAGES: dict[str, HeaderMatcher] = {
    "localhost": _LOCALHOST_MATCHER,
    "docs": _DOCS_MATCHER,
    "redoc": _REDOC_MATCHER,
}

DEFAULT_HEADERS_CONFIG: dict[str, HeaderMatcher] = {"default": _matcher(headers=_BASE), **_PAGES}
"""The headers of every response unless `use_default=False`."""

API_HEADERS_CONFIG: dict[str, HeaderMatcher] = {
    "api": _matcher(
        headers={
            **_BASE,
            "Content-Security-Policy": {
                "default-src": ["'none'"],
                "frame-ancestors": ["'none'"],
                "base-uri": ["'none'"],
                "form-action": ["'none'"],
            },
        }
    ),
    **_PAGES,
}
"""For services that return only JSON: the responses may not load anything."""

STRICT_HEADERS_CONFIG: dict[str, HeaderMatcher] = {
    "strict": _matcher(
        headers={
            **_BASE,
            "Content-Security-Policy": {
                "default-src": ["'self'"],
                "base-uri": ["'self'"],
                "form-action": ["'self'"],
                "frame-ancestors": ["'none'"],
                "object-src": ["'none'"],
            },
            "Strict-Transport-Security": ["max-age=63072000", "includeSubDomains"],
            "Permissions-Policy": [
                f"{feature}=()"
                for feature in (
                    *(
                        "accelerometer",
                        "autoplay",
                        "camera",
                        "display-capture",
                        "encrypted-media",
                        "fullscreen",
                    ),
                    *("geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment"),
                    *(
                        "picture-in-picture",
                        "publickey-credentials-get",
                        "screen-wake-lock",
                        "usb",
                        "web-share",
                    ),
                    *("xr-spatial-tracking",),
                )
            ],
            "X-Permitted-Cross-Domain-Policies": "none",
        }
    ),
    **_PAGES,
}
"""For sites with HTML that follow all recommendations of OWASP and the MDN Observatory."""
