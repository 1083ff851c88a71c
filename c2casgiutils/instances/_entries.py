"""The entries of all processes in the hash of the roster."""

import itertools
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from c2casgiutils.instances._entry import (
    MAX_ENTRIES,
    MAX_SHOWN,
    REBUILT_FIELD,
    STATIC,
    TOKEN_FIELD,
    Beat,
    Codec,
    Static,
)

_LOGGER = logging.getLogger(__name__)

_STATIC = STATIC.encode()
_NO_ENTRIES = frozenset({TOKEN_FIELD.encode(), REBUILT_FIELD.encode()})


class Entries:
    """Reads the entries.

    Args:
        own_id: The id of this process, whose entry is read first.
        codec: Decodes the values.
    """

    def __init__(self, own_id: str, codec: Codec) -> None:
        self._own_id = own_id
        self._codec = codec
        self._is_many = False
        self.skipped: int = 0
        """The number of processes whose entries were incomplete or not accepted when they were last read."""

    def read(self, fields: Mapping[bytes, Any], now: float) -> dict[str, tuple[Beat, Static]]:
        """Return the valid entries by id.

        Args:
            fields: The hash of the roster.
            now: The time of Redis.
        """
        found: dict[str, tuple[Beat, Static]] = {}
        self.skipped = 0
        for name in self._names(fields):
            if len(found) >= MAX_SHOWN:
                self._note_many()
                self.skipped += 1
                continue
            entry = self._entry(name, fields, now)
            if entry is None:
                self.skipped += 1
            else:
                found[name.decode(errors="replace")] = entry
        return found

    def _entry(self, name: bytes, fields: Mapping[bytes, Any], now: float) -> tuple[Beat, Static] | None:
        if name not in fields or name + _STATIC not in fields:
            return None
        id_ = name.decode(errors="replace")
        beat = self._codec.read(id_, fields[name], Beat, now)
        static = self._codec.read(f"{id_}{STATIC}", fields[name + _STATIC], Static, now)
        return None if beat is None or static is None else (beat, static)

    def _names(self, fields: Mapping[bytes, Any]) -> Iterator[bytes]:
        """Return the names of the entries, that of this process first if there is one."""
        fields_of_entries = (name for name in fields if name not in _NO_ENTRIES)
        names = (name.removesuffix(_STATIC) for name in itertools.islice(fields_of_entries, 2 * MAX_ENTRIES))
        own = self._own_id.encode()
        unique: dict[bytes, None] = dict.fromkeys((*([own] if own in fields else []), *names))
        return iter(unique)

    def _note_many(self) -> None:
        if not self._is_many:
            self._is_many = True
            _LOGGER.warning("The roster has more than %s processes, the others are ignored", MAX_SHOWN)
