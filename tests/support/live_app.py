"""Our page in an application with the strictest headers, for uvicorn: `tests.support.live_app:app`."""

from fastapi import FastAPI

import c2casgiutils
from c2casgiutils.headers import HeaderMatcher
from tests.support import views_app

_NOTHING: dict[str, HeaderMatcher] = {
    "everything": {
        "headers": {
            "Content-Security-Policy": {
                "default-src": ["'none'"],
                "base-uri": ["'none'"],
                "form-action": ["'none'"],
                "frame-ancestors": ["'none'"],
                "require-trusted-types-for": ["'script'"],
                "trusted-types": ["'none'"],
                "sandbox": [],
            },
            "Cross-Origin-Embedder-Policy": "require-corp",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": ["clipboard-read=()", "clipboard-write=()"],
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
    }
}

app = FastAPI(title="The service")
c2casgiutils.install(app, headers_config=_NOTHING)
app.include_router(views_app.router)  # its health checks and loggers, too
