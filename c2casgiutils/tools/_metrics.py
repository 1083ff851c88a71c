"""The view that shows the metrics, for those who cannot reach the port."""

import secrets

from fastapi import APIRouter, Depends, Request, Response

from c2casgiutils import auth, config, prometheus

router = APIRouter(tags=["metrics"])


async def _may_scrape(request: Request, response: Response) -> None:
    """Let the bearer of `C2C__PROMETHEUS__BEARER` through, and who may read; wrong ones are counted."""
    expected = config.settings.prometheus.bearer
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if expected and scheme.lower() == "bearer":
        if secrets.compare_digest(given.strip().encode(), expected.encode()):
            await auth.throttle.check_right(request)
            return
        if not config.settings.auth.github.bearer:  # else `get_auth` looks at it and counts
            await auth.throttle.count_wrong(request)
    auth_info = await auth.get_auth(request, response)
    await auth.require_read_only_access(auth_info, request, response)


@router.get("/metrics", name="c2c_metrics", dependencies=[Depends(_may_scrape)], response_class=Response)
def get_metrics(request: Request) -> Response:
    """Show the metrics of this process, or of all workers with `PROMETHEUS_MULTIPROC_DIR`."""
    content, content_type = prometheus.render(request.headers.get("accept", ""))
    return Response(content, headers={"Content-Type": content_type})
