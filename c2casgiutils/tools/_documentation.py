"""The documentation of our own views: OpenAPI from the read-only level on, its pages if enabled."""

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse

from c2casgiutils import auth, config

router: APIRouter = APIRouter(include_in_schema=False)


def _pages_are_on() -> None:
    if not config.settings.tools.docs:
        raise HTTPException(404)


@router.get("/openapi.json", name="c2c_openapi", dependencies=[Depends(auth.require_read_only_access)])
async def get_openapi(request: Request) -> JSONResponse:
    """Return the OpenAPI document."""
    app: FastAPI = request.app
    return JSONResponse({**app.openapi(), "servers": [{"url": request.scope.get("root_path") or "/"}]})


@router.get("/docs", name="c2c_docs", dependencies=[Depends(_pages_are_on)])
async def get_docs() -> HTMLResponse:
    """Return the Swagger UI page."""
    return get_swagger_ui_html(openapi_url="openapi.json", title="c2casgiutils")


@router.get("/redoc", name="c2c_redoc", dependencies=[Depends(_pages_are_on)])
async def get_redoc() -> HTMLResponse:
    """Return the ReDoc page."""
    return get_redoc_html(openapi_url="openapi.json", title="c2casgiutils")
