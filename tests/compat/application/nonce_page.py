"""A page whose script runs because of a nonce."""

from fastapi import FastAPI, Request, Response
from fastapi.templating import Jinja2Templates

from c2casgiutils import headers

app = FastAPI()
app.add_middleware(
    headers.ArmorHeaderMiddleware,
    headers_config={
        "my-page": {
            "path_match": r"^/my-page/?",
            "headers": {"Content-Security-Policy": {"script-src": ["'self'", headers.CSP_NONCE]}},
        }
    },
)
templates = Jinja2Templates(directory="templates")


@app.get("/my-page")
async def my_page(request: Request) -> Response:
    """The page."""
    return templates.TemplateResponse(request, "page.html", {"nonce": getattr(request.state, "nonce", "")})
