"""Levels that are lowered for a while, beside the level that each logger has.

All code that reads or sets the levels of loggers at run time uses these functions.
"""

import logging
from collections.abc import Iterator, Mapping


class _Lowered(int):
    """The level of a logger that is lowered: what logging sees is never above `floor`.

    It is kept where the level is, on the logger. So what an application does in between, with
    `Logger.setLevel` or with a configuration, ends the lowering of that logger and is never undone.

    Attributes:
        base: The level that the logger has; `NOTSET` when it inherits one.
        floor: The level to which it is lowered.
    """

    base: int
    floor: int

    @classmethod
    def create(cls, number: int, base: int, floor: int) -> "_Lowered":
        """Return such a level; `number` is what logging sees."""
        level = cls(number)
        level.base, level.floor = base, floor
        return level


def own_level(logger: logging.Logger) -> int:
    """Return the level that a logger has, whether or not it is lowered now; `NOTSET` when it inherits one."""
    level = logger.level
    return level.base if isinstance(level, _Lowered) else level


def effective_level(logger: logging.Logger) -> int:
    """Return the level in force for a logger, as `Logger.getEffectiveLevel` does while nothing is lowered."""
    return next(filter(None, map(own_level, _line(logger))), logging.NOTSET)


def set_level(logger: logging.Logger, level: int) -> None:
    """Set the level of a logger; where it is lowered now, it stays so, and gets the new level afterwards."""
    floor = next((own.level.floor for own in _line(logger) if isinstance(own.level, _Lowered)), None)
    logger.setLevel(level if floor is None else _Lowered.create(floor, level, floor))
    for other in list(_loggers()):  # children may inherit the level
        _settle(other)


def lower(floors: Mapping[str, int]) -> None:
    """Lower the levels of loggers to floors, and raise all others again.

    Args:
        floors: By the name of a logger, whose children are lowered too; an empty name stands for all.
    """
    by_logger = {logger: _floor(logger.name, floors) for logger in _loggers()}
    for logger, floor in by_logger.items():
        base = own_level(logger)
        parent = by_logger.get(logger.parent) if logger.parent is not None else None
        if floor is None or (base == logging.NOTSET and floor == parent):  # inherits what it needs
            if isinstance(logger.level, _Lowered):
                logger.setLevel(base)
        elif not isinstance(logger.level, _Lowered) or logger.level.floor != floor:
            logger.setLevel(_Lowered.create(floor, base, floor))
    for logger in by_logger:
        _settle(logger)


def is_within(name: str, family: str) -> bool:
    """Return whether a logger is another one or a child of it; an empty name stands for all."""
    return not family or name == family or name.startswith(f"{family}.")


def _settle(logger: logging.Logger) -> None:
    """Let logging see the floor, or the level of the logger where that is lower."""
    level = logger.level
    if isinstance(level, _Lowered):
        number = min(level.floor, effective_level(logger))
        if number != level:
            logger.setLevel(_Lowered.create(number, level.base, level.floor))


def _floor(name: str, floors: Mapping[str, int]) -> int | None:
    return min((floor for family, floor in floors.items() if is_within(name, family)), default=None)


def _line(logger: logging.Logger) -> Iterator[logging.Logger]:
    """Return a logger and its parents."""
    current: logging.Logger | None = logger
    while current is not None:
        yield current
        current = current.parent


def _loggers() -> Iterator[logging.Logger]:
    yield logging.root
    # threads may add some meanwhile; of a parent that nobody asked for, a placeholder stands there
    for logger in logging.root.manager.loggerDict.copy().values():
        if isinstance(logger, logging.Logger):
            yield logger
