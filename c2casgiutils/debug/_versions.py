"""The versions that run in the cluster, and where they differ."""

from collections import defaultdict

from pydantic import BaseModel, Field

from c2casgiutils.instances import Instance


class VersionGroup(BaseModel):
    """The processes that run the same build of the application."""

    git_hash: str | None
    version: str
    instances: list[str]


class Versions(BaseModel):
    """What runs where."""

    drift: bool = Field(description="Whether processes differ in the build or in the version of a package")
    groups: list[VersionGroup] = Field(description="The largest one first")
    packages: dict[str, dict[str, list[str]]] = Field(
        description="The processes by package and version; only the packages that this one relies on"
    )


def compare_versions(roster: list[Instance]) -> Versions:
    """Return the versions of the processes that serve requests and are not lost.

    Args:
        roster: All processes.
    """
    serving = [one for one in roster if one.liveness != "lost" and not one.script]
    builds: dict[tuple[str | None, str], list[str]] = defaultdict(list)
    packages: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for one in serving:
        builds[one.git_hash, one.version].append(one.id)
        for package, version in sorted(one.packages.items()):
            packages[package].setdefault(version, []).append(one.id)
    groups = [
        VersionGroup(git_hash=git_hash, version=version, instances=ids)
        for (git_hash, version), ids in sorted(builds.items(), key=lambda item: -len(item[1]))
    ]
    has_drift = len(groups) > 1 or any(
        len(versions) > 1 or sum(map(len, versions.values())) < len(serving) for versions in packages.values()
    )
    return Versions(drift=has_drift, groups=groups, packages=dict(sorted(packages.items())))
