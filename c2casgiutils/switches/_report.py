"""Reports on which processes have applied a change."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, Field

from c2casgiutils import instances
from c2casgiutils.broadcast import ClusterReport, Reply
from c2casgiutils.switches._kinds import Setting


class Behind(BaseModel):
    """A process that does not have the current version."""

    hostname: str | None = None
    pid: int | None = None


class Confirmation(BaseModel):
    """The answer of a process to a change.

    Attributes:
        version: Its version of the switch, or -1 if it cannot apply it.
        has_own: It keeps a value of its own instead.
    """

    id: str
    hostname: str
    pid: int
    version: int
    has_own: bool = False

    @classmethod
    def of_this_process(cls, version: int, *, has_own: bool = False) -> Self:
        """Return the answer of this process."""
        id_, hostname, pid = instances.own_id(), socket.gethostname(), os.getpid()
        return cls(id=id_, hostname=hostname, pid=pid, version=version, has_own=has_own)


class SwitchReport(ClusterReport):
    """How a change of a switch was carried out in the cluster.

    Of `of` running processes, `applied` have the version of the change or a newer one.
    """

    applied: int
    alive: int = Field(serialization_alias="of")
    behind: list[Behind]

    @property
    def is_confirmed(self) -> bool:
        """Each process that was asked has applied it, whether there are others that are not known or not."""
        return 0 < self.applied == self.alive

    @classmethod
    def alone(cls) -> Self:
        """Return the report of a single process that had no others to notify."""
        report = ClusterReport.alone()
        return cls(**dict(report), applied=1, alive=1, behind=[])

    @classmethod
    def of_reply(cls, reply: Reply, version: int) -> Self:
        """Summarise the answers of the processes.

        Args:
            reply: The payload of each answer contains `hostname`, `pid` and the `version` of the process.
            version: The version of the change.
        """
        behind = [payload for payload in reply.payloads if payload.version < version]
        silent: Sequence[Any] = [*reply.report.missing, *reply.report.failed]
        fields = {**dict(reply.report), "complete": reply.report.complete and not behind}
        return cls(
            **fields,
            applied=len(reply.payloads) - len(behind),
            alive=reply.report.asked,
            behind=[
                *(Behind(hostname=payload.hostname, pid=payload.pid) for payload in behind),
                *(Behind(hostname=process.hostname, pid=process.pid) for process in silent),
            ],
        )


@dataclass(frozen=True, slots=True)
class Change:
    """The result of a change.

    Attributes:
        version: The version of the change; later changes have larger versions.
        setting: The value in effect, `None` after a removal.
        report: Which processes have applied it.
        instances: The ids of the processes that confirmed it.
        differing: The ids of those that keep a value of their own, if the change is of the whole cluster.
    """

    version: int
    setting: Setting | None
    report: SwitchReport
    instances: Sequence[str]
    differing: Sequence[str] = ()
