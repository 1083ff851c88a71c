"""Every Python block of the README and of docs/ runs, in a process of its own and an empty folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.pages import Block, blocks
from tests.support.warm import Warm


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    with Warm() as warm:
        yield warm


@pytest.mark.parametrize("block", list(blocks("python")), ids=str)
def test_block_runs(
    warm: Warm, block: Block, tmp_path: Path, record_property: Callable[[str, str], None]
) -> None:
    status, errors = warm.run(block.code, tmp_path)
    assert status == 0, errors
    record_property("documentation", "Python blocks run")
