"""Our page in an application with the strictest headers, for uvicorn: `tests.support.live_app:app`."""

from fastapi import FastAPI

import c2casgiutils
from c2casgiutils.headers import ArmorHeaderMiddleware, HeaderMatcher

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

app = FastAPI(title="The service", lifespan=c2casgiutils.lifespan)
app.mount("/c2c", c2casgiutils.app)
app.add_middleware(ArmorHeaderMiddleware, headers_config=_NOTHING)
