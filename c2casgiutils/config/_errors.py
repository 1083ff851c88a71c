"""Invalid settings end the start."""

import sys
from collections.abc import Iterable
from typing import NoReturn

from pydantic import ValidationError

from c2casgiutils._errors import C2cError

_STARTUP_FAILURE = 3
_ACCEPTED = {
    "bool_parsing": "must be a boolean (true, false, yes, no, on, off, 1, 0)",
    "bool_type": "must be a boolean (true, false, yes, no, on, off, 1, 0)",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "import_error": "cannot be imported; the form is module:name",
    "missing": "is missing",
}


class ConfigurationError(C2cError, SystemExit, ValueError):
    """Invalid settings: ends the process with exit code 3 unless it is handled as a `ValueError`.

    After any other exception at import, uvicorn restarts its workers forever; with code 3 it gives up.

    Args:
        problems: One message for each invalid variable, `<variable>: <what is wrong or accepted>`.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(_STARTUP_FAILURE)

    def __str__(self) -> str:
        return "\n".join(self.problems)

    def __reduce__(self) -> tuple[type["ConfigurationError"], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


def end_start(problems: Iterable[str]) -> NoReturn:
    """Write each problem on its own line to standard error, and end the start.

    Raises:
        ConfigurationError: Always.
    """
    error = ConfigurationError(problems)
    sys.stderr.write(f"{error}\n")
    sys.stderr.flush()
    raise error


def describe(error: ValidationError, prefix: str, older_names: dict[str, str]) -> list[str]:
    """Return one message for each invalid variable, without its value.

    Args:
        error: The error of pydantic.
        prefix: Prefix of the variables.
        older_names: Older names of variables, `{new: older}`.
    """
    problems: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_context=True, include_input=False):
        path = "__".join(part.upper() for part in detail["loc"] if isinstance(part, str))
        name = prefix + path.removeprefix(prefix)  # an alias begins with the prefix
        if name in older_names:
            name = f"{name} (or {older_names[name]})"
        message = _ACCEPTED.get(detail["type"]) or detail["msg"]
        problems.setdefault(name, f"{name}: {message}")
    return list(problems.values())
