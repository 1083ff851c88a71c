"""The databases as the page shows them: the maintenance, and the pools of the responding process."""

import dataclasses
import datetime
from typing import Self

from c2casgiutils import switches
from c2casgiutils.db import _maintenance, _registry
from c2casgiutils.db._engines import Pool
from c2casgiutils.switches import Setting


@dataclasses.dataclass(frozen=True)
class Databases:
    """The maintenance in force in this process, and what this process uses.

    Attributes:
        maintenance: Who began it, why, and until when; `None` without one.
        transactions: Running transactions that may write.
        names: Of the databases.
        pools: The name of the database of each pool, and the pool.
        is_alone: There is no Redis, so that a change is one of this process.
    """

    maintenance: Setting | None
    transactions: int
    names: list[str]
    pools: list[tuple[str, Pool]]
    is_alone: bool

    @classmethod
    def collect(cls) -> Self:
        """Return what is to be shown."""
        known = _registry.known()
        return cls(
            _maintenance.maintenance(),
            len(_maintenance.kind().writers),
            [database.name for database in known],
            [(database.name, pool) for database in known for pool in database.pools()],
            is_alone=switches.scope() == "process",
        )

    @property
    def expires(self) -> datetime.datetime | None:
        """When the maintenance ends."""
        return None if self.maintenance is None else self.maintenance.expires_at
