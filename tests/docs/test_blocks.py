"""Every Python block of the README and of docs/ runs, in an interpreter of its own and an empty folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.fresh import run_fresh
from tests.support.pages import ROOT, Block, blocks


@pytest.mark.parametrize("block", list(blocks("python")), ids=str)
def test_block_runs(block: Block, tmp_path: Path, record_property: Callable[[str, str], None]) -> None:
    done = run_fresh(block.code, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    record_property("documentation", "Python blocks run")
