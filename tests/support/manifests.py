"""What holds for the manifests of Kubernetes, of the documentation and of the scaffold."""

from typing import Any

from c2casgiutils.scripts import _service

LONGEST_REQUEST_SECONDS = 30


def assert_times_fit(pod: dict[str, Any], drain_wait: float) -> None:
    """The load balancer notices in time that a process drains, and the process can stop in time.

    Args:
        pod: The specification of a pod with one container.
        drain_wait: Its `C2C__DRAIN_WAIT` in seconds.
    """
    (container,) = pod["containers"]
    probe = container["readinessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] < drain_wait
    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["c2casgiutils", "drain", "--force"]
    hook = _service._SECONDS  # the time-out of the command
    assert hook + drain_wait + LONGEST_REQUEST_SECONDS < pod["terminationGracePeriodSeconds"]
