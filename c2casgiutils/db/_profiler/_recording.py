"""What is recorded while the profiler is on."""

from c2casgiutils import request_tracking
from c2casgiutils.db._profiler import _origin
from c2casgiutils.db._profiler._figures import MAX_STATEMENTS, Figures
from c2casgiutils.db._profiler._text import Statement

_MAX_EXPLAINED = 1_000
_MAX_COUNTED = 500
"""Maximum number of statements that are counted for one request; a websocket may stay for days."""


class Recording:
    """The figures of the statements since the profiler was switched on.

    Args:
        version: Of the switch that asked for it.
        explain: Whether to ask for the plan of each statement.
        analyze: Whether to execute queries that only read for it.
    """

    def __init__(self, version: int, *, explain: bool, analyze: bool) -> None:
        self.version = version
        self.is_explaining = explain or analyze
        self.is_analyzing = analyze
        self._figures: dict[str, Figures] = {}
        self._explained: set[str] = set()

    def figures(self) -> list[Figures]:
        """Return the figures, those of the statements that took the most time first."""
        return sorted(self._figures.values(), key=lambda figures: figures.total_ms, reverse=True)

    def add(
        self, database: str, statement: Statement, seconds: float, rows: int, *, is_error: bool
    ) -> Figures:
        """Count an execution."""
        fingerprint = statement.fingerprint(database)
        figures = self._figures.get(fingerprint)
        if figures is None:
            self._make_room()
            figures = Figures(fingerprint, statement.text, database)
            self._figures[fingerprint] = figures
        if figures.add(seconds * 1000, rows, is_error=is_error):
            figures.where, figures.route = _origin.line(), _origin.route()
        figures.per_request_max = max(figures.per_request_max, _count_in_request(fingerprint))
        return figures

    def may_explain(self, fingerprint: str) -> bool:
        """Return whether to ask for the plan of a statement, once for each."""
        if fingerprint in self._explained or len(self._explained) >= _MAX_EXPLAINED:
            return False
        self._explained.add(fingerprint)
        return True

    def _make_room(self) -> None:
        if len(self._figures) >= MAX_STATEMENTS:
            least = min(self._figures.values(), key=lambda figures: figures.count)
            del self._figures[least.fingerprint]


def _count_in_request(fingerprint: str) -> int:
    """Count an execution within the current request; return 0 outside of requests."""
    request = request_tracking.CURRENT.get()
    if request is None or request.scope is None:
        return 0
    if request.statement_counts is None:
        request.statement_counts = {}
    counts = request.statement_counts
    if len(counts) >= _MAX_COUNTED and fingerprint not in counts:
        return 1
    counts[fingerprint] = counts.get(fingerprint, 0) + 1
    return counts[fingerprint]
