"""The form of the page that begins and ends the maintenance of the databases."""

import dataclasses
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from c2casgiutils.switches import SwitchesUnavailableError, SwitchReport
from c2casgiutils.tools import _forms, _maintenance
from c2casgiutils.tools._maintenance import MaintenanceChange
from c2casgiutils.tools._messages import Message

NO_END = "none"
_ACTIONS = ("begin", "end")


@dataclasses.dataclass(frozen=True)
class Entered(_forms.Entered):
    """The fields of the form."""

    ttl: str = ""
    reason: str = ""
    maintenance: str = ""

    def body(self) -> dict[str, Any]:
        """Return the JSON that begins the maintenance as the button does."""
        more = {"ttl": "" if self.ttl == NO_END else self.ttl, "reason": self.reason}
        return {"readonly": True, **{name: text for name, text in more.items() if text}}

    def wanted(self) -> MaintenanceChange:
        """Return the change.

        Raises:
            ValidationError: Says what is accepted.
        """
        if self.maintenance == "end":
            return MaintenanceChange(readonly=False)
        return MaintenanceChange.model_validate(self.body())


async def submit(entered: Entered, *, request: Request) -> tuple[Message, int] | None:
    """Do what was entered; return a message and a status if it is not known to be done everywhere.

    Raises:
        ValidationError: Says what is accepted.
        HTTPException: It was refused.
    """
    if entered.maintenance not in _ACTIONS:
        raise HTTPException(422, f"The action must be {' or '.join(_ACTIONS)}")
    try:
        done = await _maintenance.change(request, entered.wanted())
    except SwitchesUnavailableError as error:
        title = "Not confirmed." if error.is_stored or error.is_uncertain else "Not changed."
        return Message("fail", title, f"{error.detail}."), error.status_code
    return None if done.report.complete else (_partly(done.report), 200)


def _partly(cluster: SwitchReport) -> Message:
    text = f"{cluster.applied} of {cluster.alive} processes confirmed the change."
    return Message("warn", "Partly done.", f"{text} The others follow within one heartbeat.")
