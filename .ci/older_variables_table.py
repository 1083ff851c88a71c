"""Write the tables of the variables of older releases into the pages about them, or compare them.

usage: older_variables_table.py [--check] [FOLDER]
"""  # noqa: INP001  # a script

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from settings_table import update

from c2casgiutils.scripts._older_variable import OlderVariable
from c2casgiutils.scripts._older_variables import OLDER_VARIABLES

DOCS = Path(__file__).parents[1] / "docs"
OF_0X = "c2casgiutils 0.x"


def row(variable: OlderVariable) -> str:
    """The row of a variable."""
    now = {"code": "in the code", "dropped": "dropped"}.get(variable.fate) or (
        "the same" if variable.new == variable.name else f"`{variable.new}`"
    )
    return f"| `{variable.name}` | {now} | {variable.change} |"


def table(older: str, groups: Mapping[str, Sequence[OlderVariable]]) -> str:
    """A table in Markdown, with the name of each group if there are several."""
    lines = [f"| {older} | here | what changed |", "|---|---|---|"]
    for group, older_variables in groups.items():
        lines += [f"| **{group}** | | |"] if len(groups) > 1 else []
        lines += [row(variable) for variable in older_variables]
    return "\n".join(lines)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("folder", nargs="?", type=Path, default=DOCS)
    arguments = parser.parse_args()
    groups = dict(OLDER_VARIABLES)
    of_0x = {OF_0X: groups.pop(OF_0X)}
    for older, those in (("c2cwsgiutils", groups), ("0.x", of_0x)):
        page = arguments.folder / f"migrate-from-{older}.md"
        update(page, "variables", table(older, those), check=arguments.check)


if __name__ == "__main__":
    main()
