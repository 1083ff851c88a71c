"""The texts that people enter and others read."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from c2casgiutils import config, tools
from c2casgiutils.auth import _your_name
from c2casgiutils.health_checks._views import DrainRequest
from c2casgiutils.tools._level_fields import LevelChange
from c2casgiutils.tools._maintenance import MaintenanceChange

SECRET = "s3cret-of-the-test"
FIELDS: dict[str, tuple[Callable[[str], Any], int]] = {
    "your name": (lambda text: _your_name.parse([text]), 80),
    "why a level": (lambda text: LevelChange.model_validate({"level": "DEBUG", "reason": text}), 200),
    "why a drain": (lambda text: DrainRequest(reason=text), 200),
    "why a maintenance": (lambda text: MaintenanceChange(readonly=True, reason=text), 200),
}


@pytest.mark.parametrize("name", FIELDS)
def test_what_people_enter(name: str) -> None:
    """Each field has a length, accepts what can be printed, and never the secret, which is not repeated."""
    config.settings.auth = config.settings.auth.model_copy(update={"secret": SECRET})
    accept, length = FIELDS[name]
    accept("é" * length)
    for text, why in (
        ("a" * (length + 1), f"at most {length} printable characters"),
        ("a\x1bb", f"at most {length} printable characters"),
        (f"it is {SECRET}", "must not contain the secret"),
    ):
        with pytest.raises((ValueError, ValidationError)) as caught:
            accept(text)
        assert why in str(caught.value)
        error = caught.value
        assert SECRET not in (error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error))


def test_titles() -> None:
    """The title of a page is checked in the same way, but is the application's own."""
    with pytest.raises(ValueError, match="title must have at most 60 printable characters"):
        tools.register_page("a-page", "a" * 61, dict)
