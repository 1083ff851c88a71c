"""Write the Grafana dashboard, docs/monitoring/dashboard.json, from its panels.

usage: dashboard.py [--check] [FILE]
"""  # noqa: INP001  # a script

import json
from pathlib import Path
from typing import Any

from generated import main
from metric_names import known, own

FILE = Path(__file__).parents[1] / "docs/monitoring/dashboard.json"
JOB = 'job="$job"'
WIDTH, HEIGHT, COLUMNS = 8, 8, 3


def rate(metric: str, by: str) -> str:
    """The increase of a counter a second."""
    return f"sum by ({by}) (rate({known(metric)}{{{JOB}}}[$__rate_interval]))"


def quantile(share: float, metric: str, by: str) -> str:
    """A quantile of a histogram."""
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', f'{by}, le')})"


PANELS = (  # title, expression, legend, unit of Grafana
    ("Requests", rate("http_requests_total", "status"), "{{status}}", "reqps"),
    (
        "Duration of 95 % of the requests",
        quantile(0.95, "http_request_duration_seconds", "handler"),
        "{{handler}}",
        "s",
    ),
    ("Requests in flight", f"sum({known('http_requests_inprogress')}{{{JOB}}})", "in flight", "short"),
    (
        "Health checks that fail",
        f"max by (name) ({own('health_checks_failure')}{{{JOB}}})",
        "{{name}}",
        "short",
    ),
    (
        "Duration of 95 % of the runs of health checks",
        quantile(0.95, own("health_check_duration_seconds"), "name"),
        "{{name}}",
        "s",
    ),
    (
        "Lag of the event loops, 99 %",
        quantile(0.99, own("event_loop_lag_seconds"), "instance"),
        "{{instance}}",
        "s",
    ),
    ("Memory", f"{own('process_resident_memory_bytes')}{{{JOB}}}", "{{instance}} {{pid}}", "bytes"),
    (
        "CPU",
        rate(own("process_cpu_seconds_total"), "instance, pid"),
        "{{instance}} {{pid}}",
        "percentunit",
    ),
    (
        "Connections in use",
        f'sum by (database, engine) ({own("db_pool_connections")}{{{JOB}, state="checked_out"}})',
        "{{database}} {{engine}}",
        "short",
    ),
    (
        "Duration of 95 % of the statements",
        quantile(0.95, own("db_statement_duration_seconds"), "table, verb"),
        "{{verb}} {{table}}",
        "s",
    ),
    (
        "Duration of 95 % of the requests to other services",
        quantile(0.95, own("http_client_request_duration_seconds"), "host"),
        "{{host}}",
        "s",
    ),
    (
        "Connected to Redis",
        f"min by (instance) ({own('broadcast_listener_connected')}{{{JOB}}})",
        "{{instance}}",
        "bool_yes_no",
    ),
    ("Processes by build", f"count by (git_hash) ({own('build_info')}{{{JOB}}})", "{{git_hash}}", "short"),
)


def dashboard() -> dict[str, Any]:
    """The dashboard, to be imported in Grafana, which asks for the data source."""
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "title": "c2casgiutils",
        "uid": "c2casgiutils",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"},
                {
                    "name": "job",
                    "label": "Service",
                    "type": "query",
                    "datasource": source,
                    "query": "label_values(c2casgiutils_build_info, job)",
                    "refresh": 2,
                },
            ]
        },
        "panels": [
            {
                "id": number + 1,
                "title": title,
                "type": "timeseries",
                "datasource": source,
                "gridPos": {
                    "x": number % COLUMNS * WIDTH,
                    "y": number // COLUMNS * HEIGHT,
                    "w": WIDTH,
                    "h": HEIGHT,
                },
                "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
                "targets": [{"refId": "A", "datasource": source, "expr": expression, "legendFormat": legend}],
            }
            for number, (title, expression, legend, unit) in enumerate(PANELS)
        ],
    }


def text() -> str:
    """The file."""
    return f"{json.dumps(dashboard(), indent=2)}\n"


if __name__ == "__main__":
    main(FILE, text, __doc__)
