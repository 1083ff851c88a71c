"""The id of the request in PostgreSQL's views and logs: the `application_name` of its transactions."""

from typing import TYPE_CHECKING

from c2casgiutils import config, request_tracking

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MAX_BYTES = 63
"""PostgreSQL cuts longer names, with a notice (NAMEDATALEN)."""


def send_request_id(connection: "Connection") -> None:
    """Name a transaction that begins, until its end: a pooler may give its connection to another client."""
    if not config.settings.request_tracking.sql:
        return
    request_id = request_tracking.current_request_id()
    if request_id is None:
        return
    from sqlalchemy import text

    statement = text("SELECT set_config('application_name', :id, true)")
    connection.execute(statement, {"id": request_id[:_MAX_BYTES]})
