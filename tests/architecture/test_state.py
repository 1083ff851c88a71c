"""The module-level variables that change are few, and documented."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any

from pydantic import BaseModel

import c2casgiutils

PACKAGE = Path(c2casgiutils.__file__).parent
ROW = re.compile(r"^\| `([\w.]+)` \|", re.MULTILINE)
MUTATORS = {"add", "append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
CONSTANT = (str, bytes, int, float, type(None), tuple, frozenset, re.Pattern, BaseModel, Path, UnionType)


def modules() -> Iterator[tuple[str, ModuleType, ast.Module]]:
    for info in pkgutil.walk_packages([str(PACKAGE)], "c2casgiutils."):
        module = importlib.import_module(info.name)
        yield info.name.removeprefix("c2casgiutils."), module, ast.parse(inspect.getsource(module))


def assigned(tree: ast.Module) -> dict[str, bool]:
    """The names that a module assigns, and whether each has a value."""
    found: dict[str, bool] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            found |= {target.id: True for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node.value is not None
    return found


def mutated(tree: ast.Module) -> set[str]:
    """The names whose value a function changes in place: `x[1] = 2`, `x.a = 2`, `del x[1]`, `x.append(1)`."""
    found = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        for node in ast.walk(function):
            target: ast.AST | None = None
            if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
                target = node.value
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                target = node.func.value if node.func.attr in MUTATORS else None
            if isinstance(target, ast.Name):
                found.add(target.id)
    return found


def stores_globals(tree: ast.Module) -> bool:
    """Whether the module keeps what its `__getattr__` resolved."""
    return any(isinstance(node, ast.Name) and node.id == "globals" for node in ast.walk(tree))


def is_ours(value: Any) -> bool:
    return type(value).__module__.startswith("c2casgiutils")


def is_state(value: Any) -> bool:
    """Whether an object of one of our classes holds anything that is not constant."""
    kind = type(value)
    if isinstance(value, CONSTANT) or not is_ours(value):
        return False
    if dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # no stub
        return False
    return any(not isinstance(part, CONSTANT) and not callable(part) for part in vars(value).values())


def test_variables_that_change_are_documented() -> None:
    """The table of docs/development.md is complete, and no package has a second row."""
    found = set()
    for name, module, tree in modules():
        changed, lazily = mutated(tree), stores_globals(tree)
        for variable, has_value in assigned(tree).items():
            value = vars(module).get(variable)
            in_place = variable in changed and (isinstance(value, dict | list | set) or is_ours(value))
            if (lazily and not has_value) or in_place or is_state(value):
                found.add(f"{name}.{variable}")
    page = (PACKAGE.parent / "docs" / "development.md").read_text()
    documented = set(ROW.findall(page.partition("## State of the process\n")[2]))
    assert found == documented
    packages = [name.partition(".")[0] for name in found]
    assert len(packages) == len(set(packages))


def test_no_global_statement() -> None:
    """No function rebinds a variable of its module."""
    found = [name for name, _, tree in modules() for node in ast.walk(tree) if isinstance(node, ast.Global)]
    assert found == []
