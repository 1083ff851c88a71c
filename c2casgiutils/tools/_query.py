"""The query of a view, which keeps its filters: a value that cannot be used is replaced and reported."""

import math
import re
from collections.abc import Collection
from typing import Annotated, Any

from fastapi import Request
from pydantic import AfterValidator, BaseModel, TypeAdapter, ValidationError

from c2casgiutils.config._types import checked_by

MAX_LENGTH = 200


def one_of(accepted: Collection[str]) -> AfterValidator:
    """Return a validator for a parameter of a twin, which accepts what `Query.choice` does."""

    def check(value: str) -> str:
        if value and value not in accepted:
            raise ValueError(f"“{value[:MAX_LENGTH]}” is not one of {', '.join(accepted)}")
        return value

    return checked_by(check)


class Query:
    """Reads the query of a view.

    Attributes:
        refused: What was wrong, one sentence each; the view shows it.
        status: The status of the answer, another one than 200 if something that was asked for is not there.
    """

    def __init__(self, request: Request) -> None:
        self._values = request.query_params
        self.refused: list[str] = []
        self.status = 200

    def fail(self, reason: str, status: int) -> None:
        """Report that something is not there; the view keeps its form and shows the rest."""
        self.refused.append(f"{reason.rstrip('.')}.")
        self.status = status

    def text(self, name: str, *, max_length: int = MAX_LENGTH) -> str:
        """Return a text, cut at the length."""
        value = self._values.get(name, "").strip()
        if len(value) > max_length:
            self.refused.append(f"{name} is longer than {max_length} characters and was cut.")
        return value[:max_length]

    def choice(self, name: str, accepted: Collection[str], default: str) -> str:
        """Return one of the accepted values, the default if there is none or an unknown one."""
        value = self.text(name)
        if not value or value in accepted:
            return value or default
        used = default or "ignored"
        self.refused.append(f"{name} is {used}: “{value}” is not one of {', '.join(accepted)}.")
        return default

    def matching(self, name: str, pattern: str, accepted: str) -> str:
        """Return a text that matches a pattern, an empty one instead of any other.

        Args:
            name: The name.
            pattern: A regular expression for the whole text.
            accepted: What is accepted, in words.
        """
        value = self.text(name)
        if not value or re.fullmatch(pattern, value):
            return value
        self.refused.append(f"{name} is ignored: “{value}” is not {accepted}.")
        return ""

    def field(self, name: str, model: type[BaseModel], of: str = "", *, also: Collection[str] = ()) -> str:
        """Return a text that a field of a form accepts, an empty one instead of any other.

        Args:
            name: The name.
            model: The model of the request that the form makes.
            of: The field of the model, if it has another name.
            also: Texts that only the form has.
        """
        value = self.text(name)
        if not value or value in also:
            return value
        info = model.model_fields[of or name]
        accepted: Any = Annotated[info.annotation, info]
        try:
            TypeAdapter(accepted).validate_python(value)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            self.refused.append(f"{name} is ignored: {reason[0].lower()}{reason[1:]}.")
            return ""
        return value

    def number(self, name: str, *, default: float, least: float) -> float:
        """Return a finite number of at least so much, the default if there is none or another text."""
        value = self.text(name)
        if not value:
            return default
        try:
            # digits of other scripts are no numbers for the views in JSON either
            number = float(value if value.isascii() else "")
        except ValueError:
            number = math.nan
        if least <= number < math.inf:
            return number
        self.refused.append(f"{name} is {default:g}: “{value}” is not a number, {least:g} or more.")
        return default

    def is_on(self, name: str) -> bool:
        """Return whether a box is checked, in any spelling that the views in JSON accept."""
        value = self.text(name)
        try:
            return TypeAdapter(bool).validate_python(value or "0")
        except ValidationError:
            self.refused.append(f"{name} is 0: “{value}” is not one of 0, 1.")
            return False
