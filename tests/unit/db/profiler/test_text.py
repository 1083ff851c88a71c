"""Statements without their values."""

import time

import pytest

from c2casgiutils.db._profiler._text import without_values

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("select  A\n from t where x=1", "SELECT a FROM t WHERE x = ?"),
        ("SELECT a FROM t WHERE x = %(x_1)s::INTEGER", "SELECT a FROM t WHERE x = ?::integer"),
        (
            "SELECT a FROM t WHERE x = $1 AND y = :y AND z = ?",
            "SELECT a FROM t WHERE x = ? AND y = ? AND z = ?",
        ),
        ("SELECT a FROM t WHERE x IN ($1::INT, $2::INT)", "SELECT a FROM t WHERE x IN (?::int)"),
        ("SELECT a FROM t WHERE (x, y) IN ((1, 2), (3, 4))", "SELECT a FROM t WHERE (x, y) IN ((?))"),
        (
            "INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y') RETURNING a",
            "INSERT INTO t(a, b) VALUES (?) RETURNING a",
        ),
        ("/* a /* b */ c */ WITH x AS (SELECT 1) TABLE x -- end", "WITH x AS (SELECT ?) TABLE x"),
        ("SELECT count( * ),f ( a ) FROM t;", "SELECT count(*), f(a) FROM t"),
        ("SELECT a->>'k', b[1], x %% 2, y::text[]", "SELECT a ->> ?, b[?], x % ?, y::text[]"),
        ('SELECT "A"."b" AS "x y" FROM "T"', 'SELECT "A"."b" AS "x y" FROM "T"'),
        ("SELECT 1 FROM t WHERE NOT flag = TRUE", "SELECT ? FROM t WHERE NOT flag = ?"),
        ("", ""),
    ],
)
def test_text(statement: str, expected: str) -> None:
    """It has one layout and one case, and `?` in place of each value."""
    assert without_values(statement).text == expected


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'hunter2'",
        "SELECT 'it''s hunter2'",
        "SELECT E'it\\'s hunter2'",
        "SELECT e'\\\\', 'hunter2'",
        "SELECT 'it\\'s hunter2'",
        "SELECT 'hunter2",
        "SELECT E'hunter2\\",
        "SELECT U&'hunter2'",
        "SELECT N'hunter2', B'hunter2'",
        "SELECT $$hunter2$$",
        "SELECT $a$ $$ hunter2 $b$ $a$",
        "SELECT $a$ hunter2",
        "SELECT 1 -- hunter2",
        "SELECT 1 /* hunter2 */",
        "SELECT 1 /* hunter2",
        "SELECT ARRAY['hunter2'], '{hunter2}'::text[], CAST('hunter2' AS text)",
        "SELECT date'hunter2'",
        "SELECT 'a'\n'hunter2'",
        "SET app.token = hunter2",
        "SET LOCAL app.token TO hunter2",
        "SET SESSION app.token = 'hunter2'",
        "PRAGMA key = hunter2",
        "PRAGMA key('hunter2')",
        "ALTER USER me PASSWORD 'hunter2'",
        "COPY t FROM STDIN WITH (NULL 'hunter2')",
        "NOTIFY c, 'hunter2'",
        "SELECT :hunter2, @hunter2, %(hunter2)s",
        "SET app.token TO x, hunter2",
        "SELECT 1; SET app.token = hunter2",
        'SET app.token = "hunter2"',
        "PRAGMA key(hunter2)",
        "ALTER ROLE me SET app.token TO hunter2",
        "SELECT $\u2192$ hunter2 $\u2192$",
        "SELECT E'a'\n'\\' hunter2'",
    ],
)
def test_no_value_is_shown(statement: str) -> None:
    """h/D24: neither of a literal, however written or left open, nor of a comment or a bare word of SET."""
    for is_sqlite in (False, True):
        assert SECRET not in without_values(statement, is_sqlite=is_sqlite).text


@pytest.mark.parametrize("number", ["4711", "47.11", "4711e-1", "0x4711", "4_711.0E+4711", ".4711", "-4711"])
def test_numbers(number: str) -> None:
    """However a number is written, its digits are not shown."""
    assert "11" not in without_values(f"SELECT a FROM t WHERE x={number}AND y").text  # noqa: S608


def test_names_in_double_quotes_on_sqlite() -> None:
    """SQLite takes an unknown name in double quotes for a value, unless only a name can stand there."""
    found = without_values('SELECT "t"."b" FROM "t" JOIN "u" WHERE a="hunter2"', is_sqlite=True).text
    assert found == 'SELECT "?"."b" FROM "t" JOIN "u" WHERE a = "?"'


@pytest.mark.parametrize(
    ("statement", "is_sqlite"),
    [
        ("SELECT /* /* */ ' */ hunter2 '", True),
        ("SELECT /* /* */ hunter2 */", False),
        ("SELECT 1 -- '\r'\nhunter2'", False),
        ("SELECT 1 -- \r'\n'hunter2'", True),
        ("SELECT \u2192e'\\', ' hunter2'", False),
        ("SELECT \u00a0e'\\', ' hunter2'", False),
        ('SELECT a FROM t WHERE a IS DISTINCT FROM "hunter2"', True),
        ('SELECT a FROM t JOIN u ON "hunter2" = a ORDER BY "hunter2"', True),
    ],
)
def test_differences_of_the_databases(statement: str, is_sqlite: bool) -> None:
    """What ends a comment or a name on one of them does not on the other."""
    assert SECRET not in without_values(statement, is_sqlite=is_sqlite).text


def test_lists_of_any_length() -> None:
    """The statements with 1, 2 and 30,000 values are the same one."""
    texts = set()
    for length in (1, 2, 30_000):
        values = ", ".join(f"%(id_1_{number})s::INTEGER" for number in range(length))
        texts.add(without_values(f"SELECT a FROM t WHERE id IN ({values}) AND b = 1").text)  # noqa: S608
    assert texts == {"SELECT a FROM t WHERE id IN (?::integer) AND b = ?"}


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "part", ["(", "'", "$a", "$a$", "/*", "E'\\", '"', "(?,", "[", "- ", "::", "%(", "a.", "((", "?, "]
)
def test_hostile_texts(part: str) -> None:
    """A long statement is read in linear time, whatever it is made of."""
    began = time.process_time()
    without_values(part * (200_000 // len(part)))
    assert time.process_time() - began < 30


def test_fingerprint() -> None:
    """It is that of the text and the database, the same in each process."""
    first = without_values("SELECT 1").fingerprint("default")
    assert first == without_values("select  2 -- again").fingerprint("default") == "b9a5187b11b1b4f2"
    assert first != without_values("SELECT 1").fingerprint("geodata")


def test_lone_surrogates() -> None:
    """They cannot be sent to others, so they are replaced."""
    found = without_values('SELECT "\ud800"')
    assert found.text == 'SELECT "?"'
    assert found.fingerprint("default")
