"""The desired state as known to this process: the newest entry of each switch."""

from collections.abc import Iterable, Mapping

from c2casgiutils.switches._entry import Entry, field_of
from c2casgiutils.switches._kinds import Setting


class Desired:
    """The entries of the cluster, and the values of this instance alone.

    The value of the instance takes precedence, until a later removal for the cluster ends it.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._own: dict[str, Setting] = {}
        self.highest = 0
        """The largest known version."""

    def take(self, entry: Entry) -> bool:
        """Store an entry if it is newer than the known one, and return whether it was."""
        known = self._entries.get(entry.field)
        if known is not None and known.version >= entry.version:
            return False
        self._entries[entry.field] = entry
        own = self._own.get(entry.field)
        if own is not None and own.version < entry.cleared:
            del self._own[entry.field]
        self.highest = max(self.highest, entry.version)
        return True

    def set_own(self, field: str, setting: Setting | None) -> None:
        """Set or remove the value of this instance alone."""
        if setting is None:
            self._own.pop(field, None)
        else:
            self._own[field] = setting
            self.highest = max(self.highest, setting.version)

    def get(self, field: str) -> Entry | None:
        """Return the newest entry of a switch."""
        return self._entries.get(field)

    def in_force(self, field: str, now: float) -> Setting | None:
        """Return the value in effect, or `None`."""
        return self.own(field, now) or self.of_cluster(field, now)

    def own(self, field: str, now: float) -> Setting | None:
        """Return the value of this instance alone, or `None`."""
        own = self._own.get(field)
        return None if own is None or (own.expires is not None and own.expires <= now) else own

    def of_cluster(self, field: str, now: float) -> Setting | None:
        """Return the value of the cluster, or `None`, whether this instance has one of its own or not."""
        entry = self._entries.get(field)
        return None if entry is None else entry.in_force(now)

    def fields(self, kind: str | None = None) -> list[str]:
        """Return the fields of all switches, or of those of one kind."""
        prefix = "" if kind is None else field_of(kind, "")
        return [field for field in {*self._entries, *self._own} if field.startswith(prefix)]

    def unknown(self) -> set[str]:
        """Return the fields with entries in the format of a newer release."""
        return {field for field, entry in list(self._entries.items()) if not entry.is_known_format}

    def newer_than(self, stored: Mapping[str, Entry], now: float) -> list[Entry]:
        """Return the entries that are missing or older in the store."""
        return [
            entry
            for field, entry in self._entries.items()
            if not entry.is_forgettable(now)
            and (field not in stored or stored[field].version < entry.version)
        ]

    def forgettable(self, now: float) -> list[str]:
        """Return the fields of the entries that ended and need not be kept."""
        return [field for field, entry in self._entries.items() if entry.is_forgettable(now)]

    def forget(self, now: float) -> list[str]:
        """Remove the entries that ended and need not be kept, and return their fields."""
        fields = self.forgettable(now)
        self.drop(fields)
        return fields

    def drop(self, fields: Iterable[str]) -> None:
        """Remove entries."""
        for field in fields:
            self._entries.pop(field, None)
