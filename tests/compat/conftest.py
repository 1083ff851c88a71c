"""The application of 0.x, in a folder of its own with its database."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the application, its database migrated."""
    folder = tmp_path_factory.mktemp("compat") / "application"
    shutil.copytree(Path(__file__).parent / "application", folder)
    subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head"], cwd=folder, check=True, timeout=60)
    return folder
