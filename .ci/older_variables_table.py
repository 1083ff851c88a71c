"""Write the table of the variables of older releases into the page about them, or compare it.

usage: older_variables_table.py [--check] [FILE]
"""  # noqa: INP001  # a script

import argparse
from pathlib import Path

from settings_table import update

from c2casgiutils.scripts._older_variable import OlderVariable
from c2casgiutils.scripts._older_variables import OLDER_VARIABLES

PAGE = Path(__file__).parents[1] / "docs" / "migrate-from-c2cwsgiutils.md"
OF_0X = "c2casgiutils 0.x"


def row(variable: OlderVariable) -> str:
    """The row of a variable."""
    now = {"code": "in the code", "dropped": "dropped"}.get(variable.fate) or (
        "the same" if variable.new == variable.name else f"`{variable.new}`"
    )
    return f"| `{variable.name}` | {now} | {variable.change} |"


def table() -> str:
    """The whole table in Markdown."""
    lines = ["| c2cwsgiutils | here | what changed |", "|---|---|---|"]
    for group, older_variables in OLDER_VARIABLES.items():
        if group != OF_0X:
            lines.append(f"| **{group}** | | |")
            lines += [row(variable) for variable in older_variables]
    return "\n".join(lines)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("file", nargs="?", type=Path, default=PAGE)
    arguments = parser.parse_args()
    update(arguments.file, "variables", table(), check=arguments.check)


if __name__ == "__main__":
    main()
