"""The view that shows the deployed versions."""

from typing import Any

from fastapi import APIRouter, Depends, HTTPException

from c2casgiutils import auth, versions

router = APIRouter(tags=["versions"], dependencies=[Depends(auth.require_read_only_access)])


@router.get("/versions.json", name="c2c_versions")
def get_versions() -> dict[str, Any]:
    """Return the versions file that was written when the image was built.

    Raises:
        HTTPException: 404 if there is none.
    """
    content = versions.read()
    if content is None:
        raise HTTPException(404, "There is no versions file; create it with c2casgiutils-genversion")
    return content
