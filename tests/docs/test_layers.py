"""The picture of the layers."""

import re
import subprocess
import sys
from pathlib import Path

import c2casgiutils

PACKAGE = Path(c2casgiutils.__file__).parent
ROOT = PACKAGE.parent


def test_each_module_is_in_the_picture() -> None:
    """Every module at the top of the package is in one box, and nothing else is."""
    there = {
        path.stem
        for path in PACKAGE.iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    }
    svg = (ROOT / "docs/images/layers.svg").read_text()
    assert sorted(re.findall(r'<text class="module"[^>]*>([^<]*)<', svg)) == sorted(there)


def test_the_picture_is_that_of_the_linter() -> None:
    """The rows are in the order of the linter's contract."""
    command = [sys.executable, str(ROOT / ".ci/layers_picture.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
