"""Wheels for the tests: made up, or of the packages of this environment."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    requires: tuple[str, ...] = (),
    extras: tuple[str, ...] = (),
    scripts: Mapping[str, str] | None = None,
) -> Path:
    """Write a wheel with nothing but metadata and programs."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    metadata = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Provides-Extra: {extra}" for extra in extras),
        *(f"Requires-Dist: {requirement}" for requirement in requires),
    ]
    content = {
        **{f"{stem}.data/scripts/{script}": text for script, text in (scripts or {}).items()},
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{info}/RECORD,,\n"
    for file, text in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{file},sha256={digest},{len(text.encode())}\n"
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in {**content, f"{info}/RECORD": record}.items():
            member = zipfile.ZipInfo(file)
            member.external_attr = 0o100755 << 16  # programs may be run
            wheel.writestr(member, text)
    return path


def pack(folder: Path, *requirements: str) -> None:
    """Write wheels of installed packages, and of what they need: an index without a network.

    Args:
        folder: Where to.
        requirements: The packages, with their extras.
    """
    left = [Requirement(requirement) for requirement in requirements]
    done = set[tuple[str, str]]()
    while left:
        requirement = left.pop()
        for extra in ("", *requirement.extras):
            if (requirement.name, extra) not in done:
                done.add((requirement.name, extra))
                left += _needed(requirement.name, extra)
    for name in {canonicalize_name(name) for name, _ in done}:
        _pack_one(folder, metadata.distribution(name))


def _needed(name: str, extra: str) -> list[Requirement]:
    """Return what an installed package needs here, with an extra."""
    all_of_it = [Requirement(text) for text in metadata.requires(name) or ()]
    return [one for one in all_of_it if one.marker is None or one.marker.evaluate({"extra": extra})]


def _pack_one(folder: Path, installed: metadata.Distribution) -> None:
    """Write the wheel of an installed package; programs of its entry points are created by the installer."""
    files = [file for file in installed.files or () if ".." not in file.parts]
    (info,) = {file.parts[0] for file in files if file.match("*.dist-info/WHEEL")}
    made = {f"{info}/{name}" for name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")}
    names = [str(file) for file in files if str(file) not in made and "__pycache__" not in file.parts]
    lines = (installed.read_text("WHEEL") or "").splitlines()
    tags = [line.removeprefix("Tag: ").split("-") for line in lines if line.startswith("Tag: ")]
    tag = "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*tags, strict=True))
    with zipfile.ZipFile(folder / f"{info.removesuffix('.dist-info')}-{tag}.whl", "w") as wheel:
        for name in names:
            wheel.write(str(installed.locate_file(name)), name)
        wheel.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in [*names, f"{info}/RECORD"]))
