"""The views of the settings and of the versions of all processes."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from c2casgiutils import auth, broadcast, debug, instances
from c2casgiutils.tools._debug_cluster import ALL, Question

router = APIRouter(tags=["debug"], dependencies=[Depends(auth.require_admin_access)])


class SettingsResponse(BaseModel):
    """The settings of the process that answers, compared with those of all others."""

    settings: list[debug.Setting]
    cluster: broadcast.ClusterReport


class VersionsResponse(debug.Versions):
    """What runs where."""

    cluster: broadcast.ClusterReport


async def _collect(*, nonce: str, **_of_newer_releases: Any) -> debug.Fingerprints:
    return debug.fingerprints(nonce)


FINGERPRINTS = Question("c2c_debug_settings", _collect, debug.Fingerprints)


@router.get("/settings", name="c2c_settings")
async def get_settings(
    changed: Annotated[bool, Query(description="Only those that are not the default, or differ")] = False,
) -> SettingsResponse:
    """Return the settings without secrets, and which of them differ between the processes."""
    found = await FINGERPRINTS.ask(ALL, nonce=secrets.token_hex())
    settings = [
        setting
        for setting in debug.compare_settings(found.answers)
        if not changed or not setting.is_default or setting.differs
    ]
    return SettingsResponse(settings=settings, cluster=found.cluster)


@router.get("/versions", name="c2c_versions_of_processes")
async def get_versions() -> VersionsResponse:
    """Return which versions run in which processes."""
    roster = await instances.roster()
    versions = debug.compare_versions(roster)
    return VersionsResponse(**dict(versions), cluster=broadcast.report_roster(roster))
