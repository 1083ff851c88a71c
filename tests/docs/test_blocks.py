"""Every Python block of the README and of docs/ runs, in a process of its own and an empty folder."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.warm import Warm

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```python[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks() -> Iterator[object]:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = page.read_text()
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 2
            yield pytest.param(match[1], id=f"{page.name}:{line}")


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    with Warm() as warm:
        yield warm


@pytest.mark.parametrize("code", list(blocks()))
def test_block_runs(
    warm: Warm, code: str, tmp_path: Path, record_property: Callable[[str, str], None]
) -> None:
    status, errors = warm.run(code, tmp_path)
    assert status == 0, errors
    record_property("documentation", "Python blocks run")
