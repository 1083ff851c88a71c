"""What holds for the manifests of Kubernetes, of the documentation and of the scaffold."""

import subprocess
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it brings no types
import kubernetes_validate  # type: ignore[import-untyped]  # the same
import yaml

from c2casgiutils.scripts import _service
from tests.support.processes import binary

VERSION = "1.31"
"""The release of Kubernetes whose schemas are used."""
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


def render(folder: Path) -> list[dict[str, Any]]:
    """Return the manifests that a kustomize base stands for, each of them valid.

    Raises:
        subprocess.CalledProcessError: The base is refused, as for an unknown field.
        jsonschema.ValidationError: A manifest is not valid.
    """
    command = [binary("kubectl", "kubernetes-client"), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    manifests = list(yaml.safe_load_all(done.stdout))
    for manifest in manifests:
        validate(manifest)
    return manifests


def validate(manifest: dict[str, Any]) -> None:
    """Compare a manifest with the schema of its kind; unknown fields are refused.

    Raises:
        jsonschema.ValidationError: It is not valid.
    """
    if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
        jsonschema.validate(manifest, _SERVICE_MONITOR)
    else:
        kubernetes_validate.validate(manifest, VERSION, strict=True)


def _fields(required: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(required),
        "additionalProperties": False,
    }


_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT}
_LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
_DURATION = {
    "type": "string",
    "pattern": r"^(0|(?=\d)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)$",
}
# Written after "ServiceMonitor" in the API reference of the Prometheus operator 0.87, as no package has its
# schema in a strict form. Fields about TLS, sign-in, limits and relabelling are left out, and so refused.
_SERVICE_MONITOR = _fields(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"const": "monitoring.coreos.com/v1"},
    kind={"const": "ServiceMonitor"},
    metadata=_fields(("name",), name=_TEXT, namespace=_TEXT, labels=_LABELS, annotations=_LABELS),
    spec=_fields(
        ("selector", "endpoints"),
        selector=_fields(matchLabels=_LABELS) | {"minProperties": 1},
        namespaceSelector=_fields(any={"type": "boolean"}, matchNames=_TEXTS),
        jobLabel=_TEXT,
        targetLabels=_TEXTS,
        podTargetLabels=_TEXTS,
        endpoints={
            "type": "array",
            "minItems": 1,
            "items": _fields(
                port=_TEXT,
                targetPort={"type": ["string", "integer"]},
                path={"type": "string", "pattern": "^/"},
                scheme={"enum": ["http", "https"]},
                interval=_DURATION,
                scrapeTimeout=_DURATION,
                honorLabels={"type": "boolean"},
            ),
        },
    ),
)
