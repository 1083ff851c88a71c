"""The names and the sizes of modules and functions."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import c2casgiutils

PACKAGE = Path(c2casgiutils.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# Modules that applications import by their path although the package re-exports names.
PROMISED = {
    "acceptance": {"connection", "image", "print", "pytest_plugin", "utils"},
    "broadcast": {"interface", "local", "redis", "types", "utils"},
    "config": {
        "auth",
        "db",
        "debug",
        "health",
        "instances",
        "logs",
        "prometheus",
        "proxy_headers",
        "redis",
        "request_tracking",
        "responses",
        "sentry",
        "stats_db",
        "tools",
    },
    "tools": {"headers", "logging_"},
}


def re_exports(package: Path) -> bool:
    """Whether names of other modules are public in the package."""
    tree = ast.parse((package / "__init__.py").read_text())
    return any(
        isinstance(node, ast.Assign) and any(ast.unparse(target) == "__all__" for target in node.targets)
        for node in tree.body
    )


def functions() -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def test_the_public_path_is_the_package() -> None:
    """Next to an `__init__` that re-exports names, all modules are private but the promised ones."""
    public = {
        str(module.relative_to(PACKAGE))
        for module in MODULES
        if module.parent != PACKAGE
        and not module.name.startswith("_")
        and re_exports(module.parent)
        and module.stem not in PROMISED.get(module.parent.name, ())
    }
    assert public == set()


def test_modules_are_short() -> None:
    """No module has more than 300 lines."""
    lengths = {str(module.relative_to(PACKAGE)): len(module.read_text().splitlines()) for module in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}


def test_functions_are_short() -> None:
    """Half of all functions have 8 lines or fewer, docstrings included."""
    lengths = [node.end_lineno - node.lineno + 1 for node in functions() if node.end_lineno is not None]
    assert statistics.median(lengths) <= 8
