"""The versions of Python that are named are those that are run."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSIONS = {
    classifier.rpartition(" :: ")[2]
    for classifier in PROJECT["classifiers"]
    if classifier.startswith("Programming Language :: Python :: ")
}


def test_versions_of_ci() -> None:
    """The workflow runs each version of the classifiers, and no other."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yaml").read_text())["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    fixed = {str(step["with"]["python-version"]) for step in steps if "setup-python" in step.get("uses", "")}
    matrix = jobs["tests"]["strategy"]["matrix"]["python"]
    assert {version for version in fixed if "${{" not in version} | set(matrix) == VERSIONS


def test_versions_of_the_scaffold() -> None:
    """Its image has one of them, and it asks for the lowest one, as this package does."""
    project = ROOT / "scaffold/{{cookiecutter.project_slug}}"
    assert (
        set(re.findall(r"^FROM python:([\d.]+)", (project / "Dockerfile").read_text(), re.MULTILINE))
        <= VERSIONS
    )
    (lowest,) = re.findall(r'requires-python = ">=([\d.]+)"', (project / "pyproject.toml").read_text())
    assert PROJECT["requires-python"] == f">={lowest}"
    assert lowest == min(VERSIONS, key=lambda version: [int(part) for part in version.split(".")])
