"""Draw the layers of pyproject.toml as docs/images/layers.svg, or compare the picture.

usage: layers_picture.py [--check]
"""  # noqa: INP001  # a script

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/images/layers.svg"
TITLES = {
    "cli": "Assembly: the only place that wires the rest together",
    "tools": "What operators and probes call",
    "db": "Features",
    "config": "Parameters in, nothing read from elsewhere",
    "_periodic": "Helpers that everything may import",
}
"""By the first module of the first row of a group."""
WIDTH, MARGIN, TITLE, LINE, BOX, LETTER = 900, 16, 34, 40, 28, 8.6
STYLE = (
    "text{font:14px sans-serif;fill:#1b1b1b}text.module{font-family:monospace;text-anchor:middle}"
    "text.title{font-weight:bold}rect{fill:#fff;stroke:#5b6770}rect.group{fill:#eef2f5;stroke:#c3ccd3}"
    "rect.paper{stroke:none}"
)


def rows() -> list[list[str]]:
    """The modules of each row, the highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return [re.findall(r"\w+", row) for row in layers]


def lines(row: list[str]) -> Iterator[list[tuple[str, float]]]:
    """Break a row into lines of boxes with their widths."""
    line, used = list[tuple[str, float]](), 0.0
    for name in row:
        width = len(name) * LETTER + 20
        if line and used + width > WIDTH - 4 * MARGIN:
            yield line
            line, used = [], 0.0
        line.append((name, width))
        used += width + MARGIN
    yield line


def rectangle(css: str, x: float, y: float, width: float, height: float) -> str:
    """A box."""
    return f'<rect class="{css}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="4"/>'


def text(css: str, x: float, y: float, content: str) -> str:
    """A line of text."""
    return f'<text class="{css}" x="{x:.0f}" y="{y:.0f}">{escape(content)}</text>'


def boxes(line: list[tuple[str, float]], y: float) -> Iterator[str]:
    """The boxes of a line, in the middle of the picture."""
    x = (WIDTH - sum(width for _, width in line) - MARGIN * (len(line) - 1)) / 2
    for name, width in line:
        yield rectangle("module", x, y, width, BOX)
        yield text("module", x + width / 2, y + 19, name)
        x += width + MARGIN


def picture() -> str:
    """The picture, as SVG."""
    drawn, y, all_rows = list[str](), float(MARGIN), rows()
    groups = [index for index, row in enumerate(all_rows) if row[0] in TITLES]
    for start, end in pairwise([*groups, len(all_rows)]):
        all_lines = [line for row in all_rows[start:end] for line in lines(row)]
        height = TITLE + LINE * len(all_lines)
        drawn.append(rectangle("group", MARGIN, y, WIDTH - 2 * MARGIN, height))
        drawn.append(text("title", 2 * MARGIN, y + 22, TITLES[all_rows[start][0]]))
        for number, line in enumerate(all_lines):
            drawn += boxes(line, y + TITLE + LINE * number)
        y += height + MARGIN
    size = f'viewBox="0 0 {WIDTH} {y:.0f}" width="{WIDTH}" height="{y:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>'
    return "\n".join([head, rectangle("paper", 0, 0, WIDTH, y), *drawn, "</svg>\n"])


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    if not parser.parse_args().check:
        PICTURE.write_text(picture())
    elif picture() != PICTURE.read_text():
        sys.exit(f"{PICTURE}: the picture is not that of pyproject.toml; run make settings")


if __name__ == "__main__":
    main()
