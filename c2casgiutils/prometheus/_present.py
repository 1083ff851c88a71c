"""A gauge of what is present: its label values come and go."""

import time
from collections.abc import Iterable
from typing import Any

from c2casgiutils import config
from c2casgiutils.prometheus._directory import multiprocess_directory

_LABELS = {"alembic_version": ("configuration", "version")}
"""The labels of what has something present, and of what is present, by the name without the prefix.

They are fixed, as a scrape is answered by any worker, also by one that has not used the gauge yet.
"""
_NOTHING = ""
"""The label value in the files while nothing is present."""


class PresentGauge:
    """A gauge that is 1 for what is present, and absent for what was before.

    With several workers the one that looked last decides. The client library cannot remove label values from
    the files that the workers share, so these have the time instead, and a scrape shows the newest.

    Args:
        prefix: The prefix of its name.
        name: The name, `alembic_version`.
        text: Its description.

    Raises:
        ValueError: There is already a metric with this name.
    """

    def __init__(self, prefix: str, name: str, text: str) -> None:
        from prometheus_client import Gauge

        self._is_shared = multiprocess_directory() is not None
        self._gauge = Gauge(f"{prefix}{name}", text, _LABELS[name], multiprocess_mode="livemax")

    def replace(self, group: str, gone: Iterable[str], present: Iterable[str]) -> None:
        """Show what is present.

        Args:
            group: What has it.
            gone: What this process showed before, and is no longer present.
            present: What is present now.
        """
        if self._is_shared:
            now = time.time()
            for each in set(present) or {_NOTHING}:
                self._gauge.labels(group, each).set(now)
            return
        for each in gone:
            self._gauge.remove(group, each)
        for each in present:
            self._gauge.labels(group, each).set(1)


def only_newest(family: Any) -> Any:
    """Return metrics of several workers, those of a `PresentGauge` as it shows them.

    Args:
        family: The metrics of one name, of the client library.
    """
    labels = _LABELS.get(family.name.removeprefix(config.settings.prometheus.prefix))
    if labels is None:
        return family
    group, label = labels
    newest: dict[str, float] = {}
    for sample in family.samples:
        newest[sample.labels[group]] = max(newest.get(sample.labels[group], 0), sample.value)
    family.samples = [
        sample._replace(value=1)
        for sample in family.samples
        if sample.value == newest[sample.labels[group]] and sample.labels[label] != _NOTHING
    ]
    return family
