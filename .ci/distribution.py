"""Check the sdist and the wheel in dist/: contents, metadata, and that others can build the same bytes.

The second build is from the sdist, in another directory, with another time zone and umask, at another time.
"""
# ruff: noqa: S603, T201, TID251, INP001  # runs and prints, like make

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import c2casgiutils

ROOT = Path(__file__).parents[1]
NAME = f"c2casgiutils-{c2casgiutils.__version__}"
SDIST = f"{NAME}.tar.gz"
WHEEL = f"{NAME}-py3-none-any.whl"
METADATA = f"{NAME}.dist-info"
BESIDE = {"CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "pyproject.toml", ".gitignore"}
"""What the sdist has beside the package; its builder adds the last two."""


def package_files() -> set[str]:
    """The files of the package that git knows, or would know once they are added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "c2casgiutils"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


def compare(name: str, found: set[str], wanted: set[str]) -> list[str]:
    """One line for each file that is in excess or missing."""
    return [
        *(f"{name}: {file} does not belong there" for file in sorted(found - wanted)),
        *(f"{name}: {file} is missing" for file in sorted(wanted - found)),
    ]


def contents(folder: Path) -> list[str]:
    """What is wrong with the contents of the sdist and the wheel."""
    package = package_files()
    with tarfile.open(folder / SDIST) as archive:
        sdist = {name.removeprefix(f"{NAME}/") for name in archive.getnames()}
    with zipfile.ZipFile(folder / WHEEL) as archive:
        wheel = set(archive.namelist())
    about = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    return [
        *compare(SDIST, sdist, package | BESIDE | {"PKG-INFO"}),
        *compare(WHEEL, wheel, package | {f"{METADATA}/{name}" for name in about}),
    ]


def build_again(folder: Path) -> list[str]:
    """What differs when someone else builds from the sdist."""
    with tempfile.TemporaryDirectory() as name:
        with tarfile.open(folder / SDIST) as archive:
            archive.extractall(name, filter="data")
        source = Path(name, NAME)
        for path in source.rglob("*"):
            os.utime(path, (1_000_000_000, 1_000_000_000))
        subprocess.run(
            [sys.executable, "-m", "build", "--no-isolation", "--outdir", f"{name}/dist", source],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "TZ": "Pacific/Auckland"},
            umask=0o077,
        )
        return [
            f"{file}: a second build gives other bytes"
            for file in (SDIST, WHEEL)
            if (folder / file).read_bytes() != Path(name, "dist", file).read_bytes()
        ]


def main() -> int:
    """Print what is wrong, one line each."""
    folder = ROOT / "dist"
    built = {path.name for path in folder.iterdir()}
    problems = compare("dist", built, {SDIST, WHEEL}) or [*contents(folder), *build_again(folder)]
    print("\n".join(problems) or f"{SDIST} and {WHEEL}: contents and a second build are as they should be")
    twine = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *folder.iterdir()], check=False
    )
    return bool(problems) or twine.returncode


if __name__ == "__main__":
    sys.exit(main())
