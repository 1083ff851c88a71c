"""Write the alert rules of Prometheus, docs/monitoring/alerts.yaml, from the names of the metrics.

usage: alerts.py [--check] [FILE]
"""  # noqa: INP001  # a script

from pathlib import Path
from typing import NamedTuple

from generated import main
from metric_names import known, own

FILE = Path(__file__).parents[1] / "docs/monitoring/alerts.yaml"
HEAD = """\
# Alerts on the metrics of c2casgiutils, with the default prefix `c2casgiutils_`. Written by .ci/alerts.py and
# checked by promtool, see alerts_test.yaml. Adapt the labels, and the durations to how soon somebody must
# get up.
groups:
  - name: c2casgiutils
    rules:
"""


class Alert(NamedTuple):
    """A rule.

    Args:
        name: Its name.
        expression: What holds if something is wrong, in PromQL; it may have several lines.
        for_: How long it must hold; empty if once is enough.
        severity: The label `severity`.
        summary: One sentence, with labels.
        description: Where to look; may be empty.
    """

    name: str
    expression: str
    for_: str
    severity: str
    summary: str
    description: str = ""

    def __str__(self) -> str:
        """Return the rule in YAML."""
        lines = [f"- alert: {self.name}", "  expr: |-"]
        lines += [f"    {line}" for line in self.expression.splitlines()]
        lines += [f"  for: {self.for_}"] if self.for_ else []
        lines += ["  labels:", f"    severity: {self.severity}", "  annotations:"]
        texts = {"summary": self.summary, "description": self.description}
        lines += [f"    {name}: '{text}'" for name, text in texts.items() if text]
        return "".join(f"      {line}\n" for line in lines)


def rate(metric: str, labels: str = "", by: str = "job") -> str:
    """The increase of a counter a second."""
    return f"sum by ({by}) (rate({known(metric)}{labels}[5m]))"


def alerts() -> tuple[Alert, ...]:
    """All alerts."""
    lag = rate(own("event_loop_lag_seconds_bucket"), by="job, le")
    return (
        Alert(
            "HealthCheckFails",
            f"max by (job, name) ({own('health_checks_failure')}) == 1",
            "2m",
            "critical",
            "The health check {{ $labels.name }} of {{ $labels.job }} fails",
            "See the view `checks?check={{ $labels.name }}` of its page for the processes and the reason.",
        ),
        Alert(
            "HealthCheckDoesNotRun",
            f"time() - max by (job, name) ({own('health_checks_last_run_timestamp_seconds')}) > 600",
            "5m",
            "warning",
            "The health check {{ $labels.name }} of {{ $labels.job }} has not run for 10 minutes",
        ),
        Alert(
            "ErrorsOfRequests",
            f"""{rate("http_requests_total", '{status="5xx"}')}\n  / {rate("http_requests_total")} > 0.05""",
            "5m",
            "critical",
            "More than 5 % of the requests to {{ $labels.job }} fail",
            "See the view `requests?status=5xx` of its page.",
        ),
        Alert(
            "EventLoopLags",
            f"histogram_quantile(0.99, {lag}) > 0.5",
            "5m",
            "warning",
            "The event loops of {{ $labels.job }} run callbacks 0.5 s too late",
            "See the view `diagnostics?what=loop` of its page for what blocks them.",
        ),
        Alert(
            "NotConnectedToRedis",
            f"min by (job, instance) ({own('broadcast_listener_connected')}) == 0",
            "2m",
            "warning",
            "{{ $labels.instance }} of {{ $labels.job }} does not receive messages of other processes",
        ),
        Alert(
            "ReplicaIsNotUsed",
            f"min by (job, database) ({own('db_replica_up')}) == 0",
            "5m",
            "warning",
            "Reads of the database {{ $labels.database }} of {{ $labels.job }} use the primary",
        ),
        Alert(
            "PoolIsExhausted",
            f"sum by (job, database, engine) (increase({own('db_pool_timeouts_total')}[5m])) > 0",
            "",
            "warning",
            "Sessions of the database {{ $labels.database }} of {{ $labels.job }} waited in vain "
            "for a connection",
        ),
        Alert(
            "MessagesAreDropped",
            f"sum by (job) (increase({own('broadcast_dropped_total')}[10m])) > 0",
            "",
            "warning",
            "Processes of {{ $labels.job }} ignore messages that are malformed, unsigned, stale or replayed",
            "Compare `C2C__REDIS__BROADCAST_SECRET` and the clocks of its processes.",
        ),
        Alert(
            "VersionsDiffer",
            f"count by (job) (count by (job, git_hash) ({own('build_info')})) > 1",
            "30m",
            "warning",
            "Processes of {{ $labels.job }} have run different builds for 30 minutes",
        ),
    )


def text() -> str:
    """The file."""
    return HEAD + "\n".join(map(str, alerts()))


if __name__ == "__main__":
    main(FILE, text, __doc__)
