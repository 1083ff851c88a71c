"""The console script `c2casgiutils-models-graph`: the mapped classes of an application as a graph.

In the DOT language (https://graphviz.org/doc/info/lang.html): `… | dot -Tsvg > models.svg`.
"""

import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from c2casgiutils.scripts import _console

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapper

_EPILOG = """\
examples:
  %(prog)s app.models | dot -Tsvg > models.svg
  %(prog)s app.models Person

exit codes:
  0  the graph is on standard output
  1  the models contradict each other
  2  an argument is wrong: the module cannot be imported, or has no such class
"""


def generate_model_graph(module: ModuleType, base: str = "Base") -> str:
    """Return the graph: a box for each mapped class with its own columns and relationships.

    Args:
        module: Has the base class. Subclasses of other modules are included if they were imported.
        base: The name of the class to begin with.

    Raises:
        AttributeError: The module has no such name.
        TypeError: The name is not that of a class.
        sqlalchemy.exc.SQLAlchemyError: The models contradict each other.
    """
    from sqlalchemy import inspect

    root = getattr(module, base)
    if not isinstance(root, type):
        raise TypeError(f"{base} is not a class")
    mappers: dict[type, Any] = {each: inspect(each, raiseerr=False) for each in _subclasses(root)}
    mappers = {each: mapper for each, mapper in mappers.items() if mapper is not None}
    mappers[root] = inspect(root, raiseerr=False)
    for registry in {mapper.registry for mapper in mappers.values() if mapper}:
        registry.configure(cascade=True)
    boxes, arrows = [], []
    for each in sorted(mappers, key=_id):
        lines = [each.__name__, *([""] if mappers[each] else []), *_own(mappers[each])]
        boxes.append(f"  {_quoted(_id(each))} [label={_quoted(*lines)}];")
        arrows += [f"  {_quoted(_id(each))} -> {_quoted(_id(parent))};" for parent in _parents(each, mappers)]
    return "\n".join(["digraph {", "  rankdir=BT;", "  node [shape=box];", *boxes, *arrows, "}"]) + "\n"


def _subclasses(root: type) -> set[type]:
    found: set[type] = set(root.__subclasses__())
    return found.union(*(_subclasses(each) for each in found))


def _id(each: type) -> str:
    return f"{each.__module__}.{each.__qualname__}"


def _parents(each: type, drawn: dict[type, Any]) -> list[type]:
    """Return the nearest base classes that have a box; those between have no table."""
    parents: dict[type, None] = {}
    for parent in each.__bases__:
        parents.update({parent: None} if parent in drawn else dict.fromkeys(_parents(parent, drawn)))
    return list(parents)


def _own(mapper: "Mapper[Any] | None") -> Iterator[str]:
    """Return the columns and the relationships that a class adds to those of its base classes."""
    if mapper is None:
        return
    inherited = set(mapper.inherits.attrs.keys()) if mapper.inherits else set()
    has_table = mapper.inherits is None or mapper.local_table is not mapper.inherits.local_table
    for attribute in mapper.column_attrs:
        columns = [column for column in attribute.columns if column.table is mapper.local_table]
        if columns if has_table else attribute.key not in inherited:
            is_nullable = any(getattr(column, "nullable", False) for column in columns)
            yield f"{attribute.key}{' [null]' if is_nullable else ''}"
    for relationship in mapper.relationships:
        if relationship.key not in inherited:
            yield f"{relationship.key} ->"


def _quoted(*lines: str) -> str:
    r"""Return a string of DOT; `\l` ends a line that is aligned to the left."""
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    text = escaped[0] if len(escaped) == 1 else "".join(line + "\\l" for line in escaped)
    return f'"{text}"'


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the graph to standard output.

    Args:
        arguments: By default those of the command line.

    Raises:
        SystemExit: An argument is wrong, or the models are.
    """
    parser = _console.create_parser(
        "c2casgiutils-models-graph",
        "Write the graph of the mapped classes of a module, for Graphviz.",
        _EPILOG,
    )
    parser.add_argument("module", metavar="MODULE", help="the module with the base class, such as app.models")
    parser.add_argument(
        "base", metavar="BASE", nargs="?", default="Base", help="the base class (%(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ModuleNotFoundError:
        parser.error("the package sqlalchemy is missing: install c2casgiutils[sqlalchemy]")
    try:
        graph = generate_model_graph(_console.import_from_here(options.module), options.base)
    except SQLAlchemyError as error:
        _console.report(parser.prog, str(error))
        sys.exit(1)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        parser.error(f"{options.module} {options.base}: {error}")
    sys.stdout.write(graph)


if __name__ == "__main__":
    main()
