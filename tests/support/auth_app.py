"""The application of the tests of the authentication, for uvicorn: `tests.support.auth_app:app`."""

import c2casgiutils
from c2casgiutils.auth import CookieMiddleware
from tests.support.auth import make_app

app = make_app(middleware=False)
app.router.lifespan_context = c2casgiutils.lifespan
app.add_middleware(CookieMiddleware)
