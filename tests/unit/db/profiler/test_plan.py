"""Plans without values."""

from c2casgiutils.db._profiler import _plan


def test_of_sqlite() -> None:
    """Steps are indented below the one they belong to; what a virtual table says itself is left out."""
    rows = [
        (2, 0, 0, "SEARCH item USING INDEX i (name=?)"),
        (5, 0, 0, "LIST SUBQUERY 1"),
        (7, 5, 0, "SCAN t VIRTUAL TABLE INDEX 0:hunter2"),
    ]
    expected = "SEARCH item USING INDEX i (name=?)\nLIST SUBQUERY 1\n  SCAN t VIRTUAL TABLE INDEX"
    assert _plan.of_sqlite(rows) == expected


def test_of_postgresql() -> None:
    """Only what is known to be no value is shown; the reply may be text or parsed, in a tuple or by name."""
    plan = {
        "Node Type": "Nested Loop",
        "Join Type": "Left",
        "Total Cost": 12.5,
        "Plan Rows": 3,
        "Something New": "hunter2",
        "Plans": [
            {
                "Node Type": "Index Scan",
                "Index Name": "i",
                "Relation Name": "item",
                "Total Cost": 1,
                "Plan Rows": 1,
                "Actual Total Time": 0.5,
                "Actual Rows": 2,
                "Actual Loops": 1,
                "Index Cond": "(name = 'hunter2'::text)",
                "Sort Key": ["(size + 4711)", "name"],
            }
        ],
    }
    found = _plan.of_postgresql(_plan.parse({"QUERY PLAN": [{"Plan": plan, "Execution Time": 0.75}]}))
    assert found.splitlines() == [
        "Nested Loop Left (cost=12.5 rows=3)",
        (
            "  Index Scan using i on item (cost=1 rows=1) (actual 0.500 ms, rows=2, loops=1) "
            "Index Cond: (name = ?::text) Sort Key: (size + ?), name"
        ),
        "Execution time: 0.750 ms",
    ]
    assert _plan.parse(('[{"Plan": {}}]',)) == [{"Plan": {}}]
