"""The objects of the process, looked at without running any of their code.

Proxies, mocks and mapped classes define `__class__`, `__sizeof__` or `__repr__`, which may raise, query a
database, or return secrets. Only the interpreter's own functions are used here.
"""

import gc
import itertools
import types
from typing import Any

from c2casgiutils.debug._budget import Budget

MAX_NAME_LENGTH = 200
MAX_PARTS = 10_000
"""For the size of one object with all that it refers to: some refer to everything."""
_BORDERS = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.FrameType,
    types.CodeType,
)
"""What is not counted as a part of an object that refers to it."""

_COLLECTOR_BYTES = 16
"""Used by the garbage collector for each object that it tracks."""
_SPEND_EVERY = 100

_MODULE = type.__dict__["__module__"].__get__
_QUALNAME = type.__dict__["__qualname__"].__get__
_MRO = type.__dict__["__mro__"].__get__
_DICT = type.__dict__["__dict__"].__get__
_NAMESPACE = vars(types.ModuleType)["__dict__"].__get__


def type_name(kind: type) -> str:
    """Return the name of a type with its module, such as `builtins.dict`."""
    module = _MODULE(kind)
    if type(module) is not str:  # a property in the class, for example
        module = "?"
    return f"{module}.{_QUALNAME(kind)}"[:MAX_NAME_LENGTH]


def is_module(item: object) -> bool:
    """Return whether an object is a module."""
    return issubclass(type(item), types.ModuleType)


def namespace_of(module: Any) -> Any:
    """Return the dictionary of the names of a module."""
    return _NAMESPACE(module)


def referents(*items: Any) -> list[Any]:
    """Return what objects refer to directly; of a module only its namespace.

    An extension module also names what its state holds. Until Python 3.12.5 these are, for `_asyncio`,
    iterators that were freed and wait to be used again: whoever refers to them frees them a second time, and
    the process hangs or crashes later (https://github.com/python/cpython/issues/122695).
    """
    others = [item for item in items if not is_module(item)]
    found = gc.get_referents(*others)
    if len(others) < len(items):
        found += [namespace_of(item) for item in items if is_module(item)]
    return found


class Sizes:
    """The sizes of objects, in bytes, as the interpreter and extension modules know them.

    Args:
        budget: The time for all of them.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._functions: dict[type, Any] = {}

    def deep(self, item: object, max_parts: int = MAX_PARTS) -> tuple[int, bool]:
        """Return the size of an object with all that it refers to, and whether everything was counted.

        Classes, modules, functions and code are no parts.

        Args:
            item: The object.
            max_parts: Maximum number of objects to count.

        Raises:
            TimeIsUpError: The time is over.
        """
        size, seen, pending = 0, {id(item)}, [item]
        for step in itertools.count():
            if not pending:
                break
            if step % _SPEND_EVERY == 0:
                self._budget.spend()
            current = pending.pop()
            size += self._own(current)
            for part in referents(current):
                if id(part) in seen or issubclass(type(part), _BORDERS):
                    continue
                if len(seen) >= max_parts:
                    return size, False
                seen.add(id(part))
                pending.append(part)
        return size, True

    def _own(self, item: object) -> int:
        """Return the size of an object without what it refers to."""
        kind = type(item)
        function = self._functions.get(kind)
        if function is None:
            function = self._functions[kind] = _size_function(kind)
        return int(function(item)) + (_COLLECTOR_BYTES if gc.is_tracked(item) else 0)


def _size_function(kind: type) -> Any:
    """Return the first `__sizeof__` of a type that is not written in Python."""
    for base in _MRO(kind):
        found = _DICT(base).get("__sizeof__")
        if type(found) is types.MethodDescriptorType:
            return found
    return object.__sizeof__
