"""How wrong settings end the start."""

import sys
from collections.abc import Iterable
from typing import NoReturn

from pydantic import ValidationError

from c2casgiutils._errors import C2cError

_STARTUP_FAILURE = 3
_ACCEPTED = {
    "bool_parsing": "is no boolean; accepted are true, false, yes, no, on, off, 1 and 0",
    "bool_type": "is no boolean; accepted are true, false, yes, no, on, off, 1 and 0",
    "int_parsing": "is no number; accepted is a whole number",
    "float_parsing": "is no number; accepted is a number",
    "import_error": "cannot be imported; accepted is module:name",
    "missing": "is missing",
}


class ConfigurationError(C2cError, SystemExit, ValueError):
    """Wrong settings: ends the process with exit code 3 unless somebody handles it as a `ValueError`.

    Any other exception at import makes uvicorn start its workers again for ever; code 3 is its sign for a
    start that cannot succeed.

    Args:
        problems: one text for each wrong variable, `<variable>: <what is wrong>; <what is accepted>`.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(_STARTUP_FAILURE)

    def __str__(self) -> str:
        return "\n".join(self.problems)

    def __reduce__(self) -> tuple[type["ConfigurationError"], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


def end_start(problems: Iterable[str]) -> NoReturn:
    """Write each problem on a line of its own to standard error and end the start.

    Raises:
        ConfigurationError: always.
    """
    error = ConfigurationError(problems)
    sys.stderr.write(f"{error}\n")
    sys.stderr.flush()
    raise error


def describe(error: ValidationError, prefix: str, older_names: dict[str, str]) -> list[str]:
    """One text for each wrong variable, without its value.

    Args:
        error: what pydantic found.
        prefix: of the variables.
        older_names: other names that fill a variable, `{new: older}`.
    """
    problems: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_context=True, include_input=False):
        name = prefix + "__".join(part.upper() for part in detail["loc"] if isinstance(part, str))
        if name in older_names:
            name = f"{name} (or {older_names[name]})"
        message = _ACCEPTED.get(detail["type"]) or detail["msg"]
        problems.setdefault(name, f"{name}: {message}")
    return list(problems.values())
