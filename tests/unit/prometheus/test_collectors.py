"""The metrics that are read at each scrape."""

import logging
import resource
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families

from c2casgiutils import config, prometheus
from c2casgiutils.prometheus._state import STATE


@pytest.fixture(autouse=True)
def _own_collectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STATE, "collectors", [])


def scraped() -> dict[str, Metric]:
    text = prometheus.render()[0].decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def values(metric: Metric) -> dict[str, float]:
    return {sample.labels["name"]: sample.value for sample in metric.samples}


class Queue:
    """A collector of an application."""

    def __init__(self, value: Any = 3, name: str = "queue_length") -> None:
        self.value = value
        self.name = name

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(self.name, "Messages in the queue", value=self.value)


class Broken:
    """A collector that fails after its first metric."""

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("half", "Not shown", value=1)
        raise OSError("the queue is unreachable")


def test_resources_have_the_names_of_getrusage() -> None:
    """The fields of getrusage are there without their prefix, with the values of this process."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    found = values(scraped()["c2casgiutils_python_resource"])
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert {f"ru_{name}" for name in found} == {name for name in dir(after) if name.startswith("ru_")}
    assert before.ru_utime <= found["utime"] <= after.ru_utime
    assert before.ru_minflt <= found["minflt"] <= after.ru_minflt
    assert found["maxrss"] == after.ru_maxrss


def test_memory_by_kind() -> None:
    found = scraped()
    memory = values(found["c2casgiutils_python_memory_info"])
    assert set(memory) == {"rss", "vms", "shared", "text", "lib", "data", "dirty"}
    assert memory["rss"] == found["c2casgiutils_process_resident_memory_bytes"].samples[0].value
    assert memory["vms"] > memory["rss"] > memory["shared"] > 0


def test_maps_are_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "c2casgiutils_process_smap_pss_bytes" not in scraped()
    monkeypatch.setenv("C2C__PROMETHEUS__SMAPS", "true")
    config.settings = config.Settings()
    found = scraped()
    maps = values(found["c2casgiutils_process_smap_pss_bytes"])
    memory = values(found["c2casgiutils_python_memory_info"])
    assert 0.2 * memory["rss"] < sum(maps.values()) <= 1.2 * memory["rss"]
    assert any(name.endswith(".so") or ".so." in name for name in maps)


def test_versions_of_named_packages(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Names count in any case, a package that is not installed is left out and logged once."""
    monkeypatch.setenv("C2C__PROMETHEUS__PACKAGES", "SQLAlchemy,Jinja2,no-such-package")
    monkeypatch.setenv("C2C__PROMETHEUS__APPLICATION_PACKAGE", "c2casgiutils")
    config.settings = config.Settings()
    found = scraped()
    scraped()
    packages = {sample.labels["package"] for sample in found["c2casgiutils_package_info"].samples}
    assert packages == {"SQLAlchemy", "Jinja2"}
    (application,) = found["c2casgiutils_application_info"].samples
    assert application.labels["package"] == "c2casgiutils"
    assert application.labels["version"]
    assert [record.getMessage() for record in caplog.records] == [
        "C2C__PROMETHEUS__PACKAGES: not installed: no-such-package"
    ]


def test_without_an_application_package_there_is_no_metric_of_it() -> None:
    assert "c2casgiutils_application_info" not in scraped()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("PACKAGES", "fastapi,../etc", id="no package name"),
        pytest.param("PACKAGES", ",".join(f"p{number}" for number in range(51)), id="too many"),
        pytest.param("APPLICATION_PACKAGE", "my package", id="blank"),
        pytest.param("SMAPS", "perhaps", id="no boolean"),
    ],
)
def test_wrong_settings(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong value ends the start with a message that names the setting."""
    monkeypatch.setenv(f"C2C__PROMETHEUS__{name}", value)
    with pytest.raises(SystemExit):
        config.Settings()
    assert f"C2C__PROMETHEUS__{name}" in capsys.readouterr().err


def test_a_collector_of_the_application() -> None:
    """It is in each scrape once, with its present value, however often it was added."""
    queue = Queue()
    for _ in range(2):
        prometheus.register(queue)
    assert [sample.value for sample in scraped()["queue_length"].samples] == [3]
    queue.value = 4
    assert [sample.value for sample in scraped()["queue_length"].samples] == [4]


@pytest.mark.parametrize(
    "create",
    [
        pytest.param(Broken, id="raises"),
        pytest.param(lambda: Queue("three"), id="value that is no number"),
        pytest.param(type("Wrong", (), {"collect": lambda self: ["text"]}), id="no metric"),
        pytest.param(type("Wrong", (), {"collect": lambda self: None}), id="nothing to iterate"),
    ],
)
def test_a_collector_that_fails_leaves_the_others(
    create: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    broken = create()
    prometheus.register(broken)
    prometheus.register(Queue(name="other_queue_length"))
    found = scraped()
    assert {"other_queue_length", "c2casgiutils_build_info"} <= set(found)
    assert not {"half", "queue_length"} & set(found)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert type(broken).__name__ in record.getMessage()


def test_what_is_no_collector_is_refused() -> None:
    with pytest.raises(TypeError, match="a collector must have a method collect"):
        prometheus.register(object())  # type: ignore[arg-type]  # the mistake of the test
