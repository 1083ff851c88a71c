"""The loggers as the page shows them: a tree of their dotted names, with the levels and who has them."""

import collections
import dataclasses
import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from urllib.parse import quote

from c2casgiutils import switches
from c2casgiutils._names import listed
from c2casgiutils.instances import Instance
from c2casgiutils.switches import CLUSTER, Setting
from c2casgiutils.tools import _level_holders, _level_values, _logger_list, _loggers, _sensitive_loggers
from c2casgiutils.tools._level_holders import Asked
from c2casgiutils.tools._logger_list import Logger, Override

ROOT = "root"
MAX_ROWS = 150
_MAX_NAMED = 10


@dataclasses.dataclass(frozen=True)
class SetLevel:
    """A level that was set at run time; `process` is the only one that has it, or empty."""

    override: Override
    seconds_left: float | None
    process: str = ""


@dataclasses.dataclass(frozen=True)
class Row:
    """A logger.

    Attributes:
        logger: As this process has it, or another one if this one does not.
        levels: The levels that were set, that of all processes first.
        holders: A sentence about which processes have the level; empty if there is nothing to say.
        is_partial: Not all that should have it do, as far as known.
        differing: The processes in which another level is in effect, and which.
        is_asked: All of them have it because it was set for them alone.
        warning: What the log holds now that may be secret, or which records are lost.
        note: What a lower level would write that may be secret.
        is_unknown: No process that was asked has this logger.
        is_selected: The visitor acted on it, or asked for it.
        children: The loggers below it.
    """

    logger: Logger
    levels: Sequence[SetLevel]
    holders: str
    is_partial: bool
    differing: Sequence[str]
    is_asked: bool
    warning: str | None
    note: str | None
    is_unknown: bool
    is_selected: bool
    children: list["Row"] = dataclasses.field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the logger."""
        return self.logger.name

    @property
    def id(self) -> str:
        """The fragment of its address."""
        return id_of(self.name)

    @property
    def number_below(self) -> int:
        """How many loggers are below it."""
        return sum(1 + child.number_below for child in self.children)

    @property
    def is_above_notable(self) -> bool:
        """Return whether a logger below it was changed, differs or was asked for."""
        return any(
            child.levels or child.differing or child.is_selected or child.is_above_notable
            for child in self.children
        )

    @property
    def of_all(self) -> Override | None:
        """The level that was set for all processes."""
        return next((level.override for level in self.levels if not level.process), None)

    @property
    def has_singles(self) -> bool:
        """Return whether a process has a level that the others do not have."""
        return any(level.process for level in self.levels)

    @property
    def number(self) -> int:
        """The number of the level in effect."""
        return _level_values.parse_name(self.logger.effective_level)


@dataclasses.dataclass(frozen=True)
class Tree:
    """The loggers; `total` counts also those that are not shown."""

    rows: Sequence[Row]
    total: int
    shown: int
    is_whole: bool


def id_of(name: str) -> str:
    """Return the fragment of a logger on the page."""
    return f"level-{quote(name, safe='')}"


def build(
    asked: Asked,
    levels: Mapping[str, Setting],
    *,
    selected: str = "",
    is_search: bool,
    roster: Collection[Instance],
) -> Tree:
    """Return the tree of the loggers.

    Args:
        asked: The loggers as the processes have them.
        levels: The levels of all processes to show whether a process has the logger or not.
        selected: The logger that is asked for.
        is_search: All processes were asked for these loggers, and not only for the selected one; otherwise,
            the roster tells who has a level.
        roster: All processes.
    """
    names = {logger.name for _, answer in asked.answers for logger in answer.loggers}
    names |= {*levels, *([selected] if selected else [])}
    total = max([len(names), *(answer.total for _, answer in asked.answers)])
    if not is_search:
        names |= _packages(names)
    notable = {*levels, selected}
    first = sorted(names, key=lambda name: (name not in notable, name != ROOT, name.count("."), name))
    rows = [
        _row(
            name,
            asked,
            levels.get(name),
            is_selected=name == selected,
            roster=None if is_search or name == selected else roster,
        )
        for name in first[:MAX_ROWS]
    ]
    is_whole = len(names) <= MAX_ROWS and all(answer.is_whole for _, answer in asked.answers)
    return Tree(_nested(rows), total, len(rows), is_whole)


def _packages(names: Iterable[str]) -> set[str]:
    """Return the packages with several loggers, which need not have one themselves."""
    counts = collections.Counter(name.partition(".")[0] for name in names)
    return {package for package, count in counts.items() if count > 1}


def _nested(rows: Iterable[Row]) -> list[Row]:
    by_name = {row.name: row for row in sorted(rows, key=lambda row: (row.name != ROOT, row.name.split(".")))}
    top: list[Row] = []
    for name, row in by_name.items():
        parent = name.rpartition(".")[0]
        while parent and parent not in by_name:
            parent = parent.rpartition(".")[0]
        (by_name[parent].children if parent else top).append(row)
    return top


def _row(
    name: str,
    asked: Asked,
    setting: Setting | None,
    *,
    is_selected: bool,
    roster: Collection[Instance] | None,
) -> Row:
    found = asked.find(name)
    logger = found[0][1] if found else _logger_list.describe(name)
    wanted = None if setting is None else Override.of(setting)
    differing, is_asked = _differing(name, asked)
    holders, is_partial = _holders(name, asked, setting, is_selected=is_selected, roster=roster)
    warning = _sensitive_loggers.warning_of(name)
    if wanted is not None or is_selected:
        warning = "; ".join(filter(None, (_loggers.read(name).warning, warning))) or None
    return Row(
        logger=logger,
        levels=_set_levels(wanted, found),
        holders=holders,
        is_partial=is_partial,
        differing=differing,
        is_asked=is_asked,
        warning=warning,
        note=None if warning else _sensitive_loggers.note_of(name),
        is_unknown=is_selected and not any(answer.exists for _, answer in asked.answers),
        is_selected=is_selected,
    )


def _differing(name: str, asked: Asked) -> tuple[list[str], bool]:
    """Return in which processes another level is in effect, and whether it was set for each of them alone."""
    found = [
        (process, logger.effective_level, answer.single_above(logger))
        for process, answer in asked.answers
        if (logger := answer.find(name)) is not None
    ]
    usual = next((level for _, level, single in found if not single), None) or (found[0][1] if found else "")
    others = [item for item in found if item[1] != usual]
    texts = [
        f"{process} {level}" + (f" (set for {single})" if single not in ("", name) else "")
        for process, level, single in others
    ]
    return texts, all(single for _, _, single in others)


def _set_levels(wanted: Override | None, found: Iterable[tuple[str, Logger]]) -> list[SetLevel]:
    now = datetime.datetime.fromtimestamp(switches.now(), tz=datetime.UTC)
    single = [
        (process, logger.override)
        for process, logger in found
        if logger.override is not None and logger.override.scope != CLUSTER
    ]
    levels = [("", wanted), *single]
    return [
        SetLevel(
            override,
            None if override.expires is None else max(0.0, (override.expires - now).total_seconds()),
            process,
        )
        for process, override in levels
        if override is not None
    ]


def _holders(
    name: str,
    asked: Asked,
    setting: Setting | None,
    *,
    is_selected: bool,
    roster: Collection[Instance] | None,
) -> tuple[str, bool]:
    """Return a sentence about who has the level, and whether not all have it."""
    if roster is not None:
        now = datetime.datetime.fromtimestamp(switches.now(), tz=datetime.UTC)
        holders = None if setting is None else _level_holders.of_roster(setting, roster, now)
        if holders is None or holders.is_complete:  # heartbeats do not tell what a process rejected
            return "", False
        return holders.sentence("have it"), True
    holders = _level_holders.of_answers(name, None if setting is None else Override.of(setting), asked)
    if setting is None and not is_selected:
        return "", False
    if setting is None and holders.keeping and not holders.lacking:
        silent = listed([process for process, _ in asked.silent], most=_MAX_NAMED)
        text = f"{holders.singles} No level is set for all processes."
        return f"{text} No answer: {silent}." if silent else text, False
    if setting is None:
        text = f"No level is set. {holders.sentence('have that of the configuration')}"
    else:
        text = holders.sentence(f"applied {setting.value}")
    return text, not holders.is_complete
