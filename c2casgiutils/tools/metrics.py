"""The view that shows the metrics, for those who cannot reach the port."""

import secrets

from fastapi import APIRouter, Depends, Request, Response

from c2casgiutils import auth, config, prometheus

router = APIRouter(tags=["metrics"])


async def _may_scrape(request: Request, response: Response) -> None:
    """Let the bearer of `C2C__PROMETHEUS__BEARER` through, and callers who may read."""
    expected = config.settings.prometheus.bearer
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if (
        expected
        and scheme.lower() == "bearer"
        and secrets.compare_digest(given.strip().encode(), expected.encode())
    ):
        return
    auth_info = await auth.get_auth(request, response)
    await auth.require_read_only_access(auth_info, request, response)


@router.get("/metrics", name="c2c_metrics", dependencies=[Depends(_may_scrape)], response_class=Response)
def get_metrics(request: Request) -> Response:
    """Show the metrics of this process, or of all workers with `PROMETHEUS_MULTIPROC_DIR`."""
    content, content_type = prometheus.render(request.headers.get("accept", ""))
    return Response(content, headers={"Content-Type": content_type})
