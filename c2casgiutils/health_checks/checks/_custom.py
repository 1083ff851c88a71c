"""A check defined by a function."""

import inspect
from collections.abc import Callable
from typing import Any

from c2casgiutils.health_checks._model import Check, Result


class Custom(Check):
    """Passes if a function of the application does not raise.

    It proves what the function tests. A plain function runs in a thread, an async one on the event loop. A
    returned object or `Result` is used as it is; anything else is put into the payload as `result`.

    Args:
        function: Called without arguments.
        tags: Tags to select the check by.
    """

    def __init__(self, function: Callable[[], Any], tags: list[str] | None = None) -> None:
        super().__init__(tags)
        if not callable(function):
            raise TypeError(f"Custom takes a function, got {function!r}")
        self.function = function

    async def check(self) -> Result:
        """Call the function."""
        value = await self._call()
        if isinstance(value, Result):
            return value
        if value is None:
            return Result()
        return Result(payload=value if isinstance(value, dict) else {"result": value})

    async def _call(self) -> Any:
        if inspect.iscoroutinefunction(self.function):
            return await self.function()
        value = await self.in_thread(self.function)
        return await value if inspect.isawaitable(value) else value
