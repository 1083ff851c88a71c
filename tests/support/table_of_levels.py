"""The table of levels in `docs/security.md`."""

import re
from pathlib import Path

_PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
_ROW = re.compile(r"^\| `([A-Z]+ /\S*)` \| (everybody|read-only|read-write|admin) \|", re.MULTILINE)

ROWS: dict[str, str] = dict(_ROW.findall(_PAGE))
"""The level of each request, such as `GET /levels`; `everybody` for none."""
