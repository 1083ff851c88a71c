"""The values that are applied in this process."""

import logging
from collections.abc import Iterable, Mapping

from c2casgiutils.switches._entry import shown, split
from c2casgiutils.switches._errors import NotAppliedError
from c2casgiutils.switches._kinds import Kind, Setting

_LOGGER = logging.getLogger(__name__)
_MAX_LOGGED = 1000


class Effects:
    """Applies values through their kinds, and tracks which ones could not be applied.

    Args:
        kinds: By name; kept, not copied.
    """

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        self._settings: dict[str, Setting] = {}
        self._refused: set[str] = set()
        self._logged: set[tuple[str, int]] = set()

    @property
    def refused(self) -> set[str]:
        """The fields whose value cannot be applied, as this release lacks the kind or rejects the value."""
        return set(self._refused)

    def get(self, field: str) -> Setting | None:
        """Return the applied value."""
        return self._settings.get(field)

    def forget(self, fields: Iterable[str]) -> None:
        """Mark values as not applied."""
        for field in fields:
            self._settings.pop(field, None)

    def next_end(self) -> float | None:
        """Return the time when the next value ends, by the clock of Redis."""
        ends = [setting.expires for setting in self._settings.values() if setting.expires is not None]
        return min(ends, default=None)

    def bring(self, wanted: Mapping[str, Setting | None]) -> None:
        """Apply the values that are not applied yet."""
        changes: dict[str, dict[str, Setting | None]] = {}
        for field, setting in wanted.items():
            kind, key = split(field)
            is_done = self._settings.get(field) == setting and field not in self._refused
            if not is_done and self._is_accepted(field, setting):
                changes.setdefault(kind, {})[key] = setting
        for name, of_kind in changes.items():
            self._apply(self._kinds[name], of_kind)

    def _is_accepted(self, field: str, setting: Setting | None) -> bool:
        """Check a value; if it is rejected, the current one stays in effect."""
        name, key = split(field)
        kind = self._kinds.get(name)
        problem = ""
        if kind is None:
            problem = "this kind of switch is not registered in this process"
        elif setting is not None:
            try:
                kind.check(key, setting.value)
            except Exception as error:  # noqa: BLE001  # code of the kind
                problem = str(error)
        if not problem:
            return True
        if setting is None:
            self._refused.discard(field)
            return False
        self._refused.add(field)
        self._log_once(field, setting.version, problem)
        return False

    def _apply(self, kind: Kind, changes: Mapping[str, Setting | None]) -> None:
        fields = {f"{kind.name}:{key}": setting for key, setting in changes.items()}
        refused: set[str] = set()
        try:
            kind.apply(changes)
        except NotAppliedError as error:
            refused = {f"{kind.name}:{key}" for key in error.problems}
            problem = shown(str(error))
            _LOGGER.warning(
                "%s switches of the kind %s were not applied: %s", len(refused), kind.name, problem
            )
        except Exception:
            _LOGGER.exception("Switches of the kind %s could not be applied", kind.name)
            refused = set(fields)
        self._refused -= fields.keys()
        self._refused |= refused
        for field in fields.keys() - refused:
            setting = fields[field]
            if setting is None:
                self._settings.pop(field, None)
            else:
                self._settings[field] = setting

    def _log_once(self, field: str, version: int, problem: str) -> None:
        if (field, version) in self._logged:
            return
        if len(self._logged) >= _MAX_LOGGED:
            self._logged.clear()
        self._logged.add((field, version))
        _LOGGER.warning("The switch %r was not applied: %s", shown(field), shown(problem))
