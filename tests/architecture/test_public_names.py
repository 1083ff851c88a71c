"""The package uses public names of other libraries only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import c2casgiutils

PACKAGE = Path(c2casgiutils.__file__).parent

# What begins with an underscore and is public all the same.
DOCUMENTED = {
    "_asdict",  # of named tuples, where every name without an underscore may be a field
    "_replace",
    "_fields",
    "_current_frames",  # of `sys`
}

# Names without an underscore that a library sets itself and documents for nobody else to set.
SET_BY_STARLETTE = {"handler", "middleware_stack"}

IMPORTING = {"__import__", "import_module", "find_spec"}

# The one place for what a library has no public way for, with its reason.
ALLOWED = {
    "_origins.py": "`re` tells nobody what a pattern matches, except in its parsed form",
    "_starlette.py": "Starlette builds its stack of middlewares once, and nothing can be added afterwards",
}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def defined_names(tree: ast.AST) -> set[str]:
    """The private names that the code defines: functions, fields, slots, and attributes of `self`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and is_own(node) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
    return found


def is_own(node: ast.AST) -> bool:
    """Whether it is `self.x` or `cls.x`."""
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in {"self", "cls"}
    )


def read_private(node: ast.AST) -> str | None:
    """The private name that a node takes from another object or library."""
    if isinstance(node, ast.Attribute):
        return node.attr if is_private(node.attr) else None
    if isinstance(node, ast.Call) and ast.unparse(node.func) in {"getattr", "setattr", "hasattr", "delattr"}:
        name = node.args[1]
        if isinstance(name, ast.Constant) and is_private(str(name.value)):
            return str(name.value)
    return None


def imported_private(node: ast.AST) -> Iterator[str]:
    """The private modules and names of other libraries that a node imports."""
    if isinstance(node, ast.Import):
        paths = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        paths = [f"{node.module}.{alias.name}" for alias in node.names]
    elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in IMPORTING:
        paths = [str(name.value) for name in node.args[:1] if isinstance(name, ast.Constant)]
    else:
        return
    for path in paths:
        library, *rest = path.split(".")
        if library != "c2casgiutils" and any(is_private(part) for part in rest):
            yield path


def find(source: str, ours: set[str]) -> list[str]:
    """The uses of names that are not public.

    Args:
        source: The code of a module.
        ours: The names that the package defines, which `self` may have from a base class of ours.
    """
    tree = ast.parse(source)
    here = defined_names(tree)
    found: list[str] = []
    for node in ast.walk(tree):
        found += imported_private(node)
        name = read_private(node)
        if name and name not in DOCUMENTED and name not in (here | ours if is_own(node) else here):
            found.append(name)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and not is_own(node):
            found += [node.attr] if node.attr in SET_BY_STARLETTE else []
    return found


MODULES = {str(path.relative_to(PACKAGE)): path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}


def test_no_private_name_of_another_library() -> None:
    """No module takes a private name from a library, or sets what a library sets itself."""
    ours = set().union(*(defined_names(ast.parse(source)) for source in MODULES.values()))
    found = {module: names for module, source in MODULES.items() if (names := find(source, ours))}
    assert set(found) <= set(ALLOWED), found
    assert set(found) == set(ALLOWED), "a module is allowed more than it needs"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("response._content = b''", ["_content"]),
        ("connection._close()", ["_close"]),
        ("import starlette._utils", ["starlette._utils"]),
        ("from starlette._utils import x", ["starlette._utils.x"]),
        ("from redis import _parsers", ["redis._parsers"]),
        ("importlib.import_module('re._parser')", ["re._parser"]),
        ("import_module('re._parser').parse", ["re._parser"]),
        ("__import__('re._parser')", ["re._parser"]),
        ("importlib.import_module('c2casgiutils._app'), import_module(name), import_module('json')", []),
        ("getattr(pool, '_max_overflow', -1)", ["_max_overflow"]),
        ("class A(Pool):\n  def f(self): self._free.clear()", ["_free"]),
        ("layer.handler = f", ["handler"]),
        ("app.middleware_stack = f", ["middleware_stack"]),
        ("class A:\n  def f(self): self._own = 1\n\ndef g(a): return a._own", []),
        ("class A(Base):\n  def f(self): self._inherited()", []),
        ("class A:\n  def f(self): self.handler = 1", []),
        ("from c2casgiutils._asgi import x\nfrom c2casgiutils import _asgi", []),
        ("x.__class__, getattr(x, '__name__'), point._asdict(), app.middleware_stack", []),
    ],
)
def test_the_search_itself(source: str, names: list[str]) -> None:
    """The search sees each form of use, and no name of ours."""
    assert find(source, {"_inherited"}) == names
