"""Plans without values: only what is known to be no value is shown as it is."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from c2casgiutils.db._profiler._text import Statement, without_values

_MAX_NODES = 50
_MAX_DEPTH = 30
_OWN_PLAN = re.compile(r"(?<=VIRTUAL TABLE INDEX).*", re.DOTALL)
_CONDITIONS = (
    *("Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "TID Cond", "Join Filter", "Filter"),
    *("One-Time Filter", "Sort Key", "Group Key"),
)
_NAMES = (
    ("using", "Index Name"),
    ("on", "Relation Name"),
    ("on", "Function Name"),
    ("on", "CTE Name"),
)
_ANALYZED_VERBS = frozenset({"SELECT", "WITH", "VALUES"})
_CHANGING_WORDS = frozenset({"CALL", "DELETE", "INSERT", "INTO", "MERGE", "SHARE", "UPDATE"})
_CHANGING_NODES = frozenset({"ModifyTable", "LockRows", "Foreign Scan", "Custom Scan"})
_FUNCTIONS = """
abs age array_agg array_length array_position array_to_string avg bit_length bool_and bool_or btrim ceil
ceiling char_length character_length coalesce concat concat_ws count cume_dist date_part date_trunc
dense_rank exp extract first_value floor format greatest initcap json_agg json_build_array
json_build_object json_object_agg jsonb_agg jsonb_build_array jsonb_build_object jsonb_object_agg lag
last_value lead least left length ln log lower lpad ltrim make_date max md5 min mod nth_value ntile
nullif octet_length overlay percent_rank position power rank regexp_replace repeat replace reverse right
round row_number row_to_json rpad rtrim sign split_part sqrt stddev string_agg string_to_array strpos
substr substring sum to_char to_date to_json to_jsonb to_number to_timestamp to_tsquery to_tsvector
translate trim trunc unnest upper variance width_bucket
"""
_TYPES = """
bit cast char character decimal float numeric time timestamp varbit varchar varying
"""
_SAFE_NAMES = frozenset(f"{_FUNCTIONS} {_TYPES}".split())
"""What may stand before a parenthesis in a query that is executed again: it has no effect."""


def parse(row: Any) -> Any:
    """Return the plan in the row that `EXPLAIN (FORMAT JSON)` answers, whatever its form."""
    value = next(iter(row.values())) if isinstance(row, Mapping) else row[0]
    return json.loads(value) if isinstance(value, str | bytes) else value


def of_sqlite(rows: Iterable[Any]) -> str:
    """Return the plan of the rows of `EXPLAIN QUERY PLAN`: id, id of the parent, unused, text.

    SQLite writes `?` for values, except perhaps where a virtual table describes its own plan.
    """
    depths: dict[int, int] = {}
    lines = []
    for number, parent, _, text in list(rows)[:_MAX_NODES]:
        depths[number] = depths.get(parent, -1) + 1
        lines.append(f"{'  ' * depths[number]}{_OWN_PLAN.sub('', text)}")
    return "\n".join(lines)


def of_postgresql(found: Any) -> str:
    """Return the plan of a parsed answer, a node with its conditions in each line."""
    root = found[0]
    lines = [_line(node, depth) for depth, node in _nodes(root["Plan"])]
    if "Execution Time" in root:
        lines.append(f"Execution time: {root['Execution Time']:.3f} ms")
    return "\n".join(lines)


def functions_that_only_compute(statement: Statement, found: Any) -> set[str] | None:
    """Return the functions of a query, `None` if it may do more than read.

    Args:
        statement: The query.
        found: Its parsed plan, made with `VERBOSE`: it shows what views and policies add.
    """
    if statement.verb not in _ANALYZED_VERBS or not statement.is_whole or statement.words & _CHANGING_WORDS:
        return None
    names = set(statement.functions)
    nodes = list(_nodes(found[0]["Plan"], limit=None))
    if not _are_limits_of(statement, [node.get("Node Type") for _, node in nodes]):
        return None
    for _, node in nodes:
        if node.get("Node Type") in _CHANGING_NODES:
            return None
        for text in _texts(node):
            part = without_values(text)
            if not part.is_whole:
                return None
            names |= part.functions
        if "Function Name" in node:
            names.add(str(node["Function Name"]).lower())
    return names if names <= _SAFE_NAMES else None


def _are_limits_of(statement: Statement, types: list[Any]) -> bool:
    """Return whether limits and windows are those of the query: plans do not show what views have there."""
    limits = 1 if statement.words & {"LIMIT", "FETCH", "OFFSET"} else 0
    return types.count("Limit") <= limits and ("WindowAgg" not in types or "OVER" in statement.words)


def _nodes(
    root: Mapping[str, Any], limit: int | None = _MAX_NODES
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Return the nodes of a plan with their depths, each before those it reads from."""
    left = [(0, root)]
    count = 0
    while left and (limit is None or count < limit):
        depth, node = left.pop()
        yield depth, node
        count += 1
        left += [(depth + 1, child) for child in reversed(node.get("Plans", ()))]


def _texts(node: Mapping[str, Any]) -> Iterator[str]:
    """Return all that may be an expression, under whatever name a version of PostgreSQL gives it."""
    for name, value in node.items():
        if name != "Plans":
            texts = value if isinstance(value, list) else [value]
            yield from (text for text in texts if isinstance(text, str))


def _line(node: Mapping[str, Any], depth: int) -> str:
    names = [node["Node Type"], node.get("Join Type", "")]
    for preposition, name in _NAMES:
        if name in node:
            names += [preposition, node[name]]
    parts = [" ".join(filter(None, names)), f"(cost={node['Total Cost']:g} rows={node['Plan Rows']:g})"]
    if "Actual Total Time" in node:
        milliseconds, rows, loops = (node[f"Actual {name}"] for name in ("Total Time", "Rows", "Loops"))
        parts.append(f"(actual {milliseconds:.3f} ms, rows={rows:g}, loops={loops:g})")
    for name in _CONDITIONS:
        if name in node:
            value = node[name]
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            parts.append(f"{name}: {without_values(text).text}")
    return "  " * min(depth, _MAX_DEPTH) + " ".join(parts)
