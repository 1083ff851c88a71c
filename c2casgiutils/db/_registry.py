"""The databases of this process: the one of the settings, and those that the application created."""

import asyncio
from typing import TYPE_CHECKING

from c2casgiutils import config
from c2casgiutils._starlette import wrap_stack
from c2casgiutils.db._errors import DatabaseConfigurationError, MissingDriverError
from c2casgiutils.db._profiler import Profiler
from c2casgiutils.db._sticky import StickyMiddleware

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from c2casgiutils.config.db import Database as DatabaseSettings
    from c2casgiutils.db._database import Database

DEFAULT = "default"


class _State:
    """What outlives each event loop; the databases close what belongs to one.

    Attributes:
        by_name: The last one created with each name.
        opened: Those that have engines.
        from_settings: The one of the settings, and the settings it was made from.
        profiler: Of all of them.
    """

    def __init__(self) -> None:
        self.by_name: dict[str, Database] = {}
        self.opened: set[Database] = set()
        self.from_settings: tuple[DatabaseSettings, Database] | None = None
        self.profiler = Profiler()


_STATE = _State()


def add(database: "Database") -> None:
    """Note a database, to find it by name."""
    _STATE.by_name[database.name] = database


def note_opened(database: "Database", is_open: bool) -> None:
    """Note a database that has engines on an event loop, to close it; or that it has none any more."""
    (_STATE.opened.add if is_open else _STATE.opened.discard)(database)


def known() -> list["Database"]:
    """Return the databases, by name."""
    return [_STATE.by_name[name] for name in sorted(_STATE.by_name)]


def get(name: str = DEFAULT) -> "Database":
    """Return the database with a name; `default` is that of the settings, or one created with this name.

    Raises:
        DatabaseConfigurationError: There is none.
        ConfigurationError: A setting is wrong, or the driver is missing; ends the start.
    """
    settings = config.settings.db
    if name == DEFAULT and settings.url:
        return _of_settings(settings)
    database = _STATE.by_name.get(name)
    if database is None:
        remedy = "set C2C__DB__URL" if name == DEFAULT else f"create it with db.Database(…, name={name!r})"
        raise DatabaseConfigurationError(f"There is no database {name!r}: {remedy}")
    return database


def profiler() -> Profiler:
    """Return the SQL profiler of the databases."""
    return _STATE.profiler


def _of_settings(settings: "DatabaseSettings") -> "Database":
    if _STATE.from_settings is not None and _STATE.from_settings[0] is settings:
        return _STATE.from_settings[1]
    from c2casgiutils.db._database import Database

    try:
        database = Database(
            settings.url or "",
            read_only_url=settings.read_only.url,
            name=DEFAULT,
            force_read_write=settings.force_read_write,
            force_read_only=settings.force_read_only,
            sticky=settings.sticky,
            max_lag=settings.max_lag,
            read_only_options=settings.read_only_options(),
            **settings.engine_options(),
        )
    except (DatabaseConfigurationError, MissingDriverError) as error:
        parameter, _, problem = str(error).partition(": ")
        setting = "READ_ONLY__URL" if parameter == "read_only_url" else parameter.upper()
        config.end_start([f"C2C__DB__{setting}: {problem}"])
    _STATE.from_settings = settings, database
    return database


def check_settings() -> None:
    """Check the settings, when there is a database.

    Raises:
        ConfigurationError: A wrong URL, or a driver that is missing; ends the start.
    """
    if config.settings.db.url:
        get()


def startup(main_app: "Starlette") -> None:
    """Add the middleware that lets clients read what they wrote, when a database asks for it.

    Args:
        main_app: The application whose endpoints use the databases.
    """
    check_settings()
    if any(database.is_sticky for database in _STATE.by_name.values()):
        wrap_stack(main_app, StickyMiddleware)


async def shutdown() -> None:
    """Close all databases on this event loop."""
    await asyncio.gather(*(database.aclose() for database in list(_STATE.opened)))
