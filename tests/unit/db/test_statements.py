"""The labels of a statement."""

import pytest

from c2casgiutils.db._statements import verb_and_table


@pytest.mark.parametrize(
    ("statement", "labels"),
    [
        ("SELECT 1", ("SELECT", "other")),
        ("SELECT a, b FROM item WHERE a IN (1, 2)", ("SELECT", "item")),
        ("SELECT a FROM item WHERE a IN (1, 2) AND b = 3", ("SELECT", "item")),
        ("SELECT a FROM item WHERE a IN (1, 2) AND b IN (SELECT b FROM other)", ("SELECT", "item")),
        ("SELECT a FROM item WHERE (a, b) IN ((1, 2), (3, 4))", ("SELECT", "item")),
        ("SELECT (SELECT ')' FROM other WHERE a IN (')', '(')) FROM item", ("SELECT", "item")),
        ("  select\n*\nfrom Item", ("SELECT", "item")),
        ('SELECT * FROM "Main"."Item" AS i', ("SELECT", "item")),
        ("SELECT * FROM main.item, other", ("SELECT", "item")),
        ("/* from x */ -- from y\nSELECT * FROM item", ("SELECT", "item")),
        ("SELECT extract(year FROM day), trim(both FROM (a)) FROM item", ("SELECT", "item")),
        ("SELECT 'it''s from secret' FROM item", ("SELECT", "item")),
        ("SELECT 'from secret'", ("SELECT", "other")),
        ("SELECT $$ from secret $$, $a$ from $$ secret $a$ FROM item", ("SELECT", "item")),
        ("SELECT * FROM (SELECT * FROM inner_one) AS sub", ("SELECT", "other")),
        ("INSERT INTO item (name) VALUES (%(name)s) RETURNING id", ("INSERT", "item")),
        ("UPDATE ONLY item SET a = $1::INTEGER", ("UPDATE", "item")),
        ("DELETE FROM item", ("DELETE", "item")),
        ("WITH a AS (SELECT * FROM b) SELECT * FROM item", ("WITH", "item")),
        ("COPY item FROM STDIN", ("COPY", "item")),
        ("CREATE TABLE secret (a int)", ("other", "other")),
        ("'from secret'", ("other", "other")),
        ("", ("other", "other")),
        ("SELECT " + "(" * 5000, ("SELECT", "other")),
        ("SELECT 'unfinished from secret", ("SELECT", "other")),
        ("SELECT " + "(" * 60 + "FROM a" + ")" * 60 + " FROM item", ("SELECT", "item")),
    ],
)
def test_labels(statement: str, labels: tuple[str, str]) -> None:
    """The verb and the first table, whatever stands in strings, comments and parentheses."""
    assert verb_and_table(statement) == labels
