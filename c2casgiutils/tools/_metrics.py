"""The view that serves the metrics to clients that cannot reach the metrics port."""

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from c2casgiutils import auth, config, prometheus

router = APIRouter(tags=["metrics"])


async def _may_scrape(request: Request, response: Response) -> None:
    """Require `C2C__PROMETHEUS__BEARER` as bearer token or the read-only level; wrong tokens are counted."""
    expected = config.settings.prometheus.bearer
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    is_wrong = False
    if expected and scheme.lower() == "bearer":
        if await auth.throttle.is_right(request, given.strip().encode(), expected):
            return
        is_wrong = True
        if not _is_read_by_get_auth():
            await auth.throttle.count_wrong(request, "metrics_bearer")
    auth_info = await auth.get_auth(request, response)
    if is_wrong and not auth_info.is_logged_in and auth_info.unavailable is None:
        raise HTTPException(403, "The bearer token is wrong")
    await auth.require_read_only_access(auth_info, request, response)


def _is_read_by_get_auth() -> bool:
    """Return whether `get_auth` treats a bearer token as one of GitHub, and counts wrong ones itself."""
    return auth.auth_type() is auth.AuthenticationType.GITHUB and config.settings.auth.github.bearer


@router.get("/metrics", name="c2c_metrics", dependencies=[Depends(_may_scrape)], response_class=Response)
def get_metrics(request: Request) -> Response:
    """Return the metrics of this process, or of all workers with `PROMETHEUS_MULTIPROC_DIR`."""
    content, content_type = prometheus.render(request.headers.get("accept", ""))
    return Response(content, headers={"Content-Type": content_type})
