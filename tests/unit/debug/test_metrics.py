"""The histogram of the lag of the event loop."""

from prometheus_client import REGISTRY

from c2casgiutils import config
from c2casgiutils.debug._metrics import LagRecorder


def test_each_lag_counts_once() -> None:
    """Lags count in batches, the rest of them at the end."""
    name = f"{config.settings.prometheus.prefix}event_loop_lag_seconds"
    recorder = LagRecorder()

    def figures() -> tuple[float, float]:
        count, total = (REGISTRY.get_sample_value(f"{name}_{part}") for part in ("count", "sum"))
        return count or 0.0, total or 0.0

    count, total = figures()
    for number in range(25):
        recorder.note(float(number), 2.0)
    assert figures() == (count + 20, total + 40)
    recorder.flush()
    recorder.flush()
    assert figures() == (count + 25, total + 50)
