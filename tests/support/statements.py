"""Random statements, to compare what they do with and without the profiler."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, Text, bindparam, insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

SCHEMA = """
CREATE TABLE item (id serial PRIMARY KEY, name text UNIQUE, size int CHECK (size >= 0))
  WITH (autovacuum_enabled = false);
CREATE TABLE log (call int);
CREATE SEQUENCE s;
CREATE FUNCTION bump(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (n); RETURN n; END';
CREATE FUNCTION lower(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''s''); RETURN n; END';
CREATE FUNCTION sneak(r item) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN nextval(''s''); END';
CREATE FUNCTION lie(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql
  AS 'BEGIN IF current_query() LIKE ''EXPLAIN%'' THEN PERFORM nextval(''s''); END IF; RETURN n; END';
CREATE VIEW sneaky AS SELECT id, nextval('s') AS number FROM item;
CREATE FUNCTION quiet(n int) RETURNS int VOLATILE LANGUAGE plpgsql AS 'BEGIN RETURN n; END';
CREATE VIEW limited AS SELECT id FROM item LIMIT quiet(1);
CREATE VIEW locking AS SELECT id, pg_try_advisory_lock_shared(4711) AS has_lock FROM item;
"""
"""The autovacuum would lock a table meanwhile."""
QUERIES = (
    "SELECT id, name FROM item WHERE size > :n ORDER BY id",
    "select name from item where name = :text or size = 3 order by id",
    "/* a; comment */ SELECT count(*) FROM item -- and 'another",
    "SELECT count(*) AS c, max(size) FROM item WHERE name LIKE 'a%' OR name IN ('x', E'y\\'z', $$q$$)",
    "SELECT id FROM item WHERE size = :n ORDER BY id FOR UPDATE",
    "select id from item where size < :n order by id for share skip locked",
    "SELECT x.id FROM (SELECT id FROM item ORDER BY id LIMIT 2 FOR NO KEY UPDATE) x",
    "SELECT nextval('s')",
    "select NextVal ('s'), :text",
    "SELECT pg_catalog.\"nextval\"('s')",
    "SELECT setval('s', currval('s') + :n)",
    "SELECT lastval()",
    "SELECT bump(:n)",
    "SELECT lower(:n)",
    "SELECT lie(1)",
    "SELECT item.sneak FROM item ORDER BY id LIMIT 2",
    "SELECT count(*), max(number) FROM sneaky",
    "SELECT has_lock FROM locking LIMIT 3",
    "SELECT pg_advisory_unlock_shared(4711)",
    "SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())",
    "WITH a AS (SELECT id FROM item WHERE size = :n) SELECT count(*) FROM a",
    "with gone as (delete from item where size = :n returning id) select id from gone order by id",
    "WITH a AS (INSERT INTO item (name, size) VALUES (:text, :n) RETURNING id) SELECT id FROM a",
    "INSERT INTO item (name, size) VALUES (:text, :n) RETURNING id, size",
    "insert into item (name, size) values (:text, :n) on conflict (name) do update set size = excluded.size",
    "UPDATE item SET size = size + 1 WHERE size = :n RETURNING size",
    "DELETE FROM item WHERE size = :n",
    "SELECT 1 / (:n - :n)",
    "SELECT 'x'::int",
    "SELECT * FROM missing",
    "SELEC 1",
    "UPDATE item SET size = -1 WHERE size > 5",
    "CREATE TABLE other AS SELECT id FROM item; ",
    "SELECT id INTO TEMPORARY TABLE made FROM item",
    "DROP TABLE IF EXISTS other",
    "SET LOCAL lock_timeout = 4321",
    "SELECT set_config('app.text', :text, true)",
    "SELECT current_setting('app.text', true)",
    "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')",
    "SELECT current_setting('transaction_read_only'), pg_current_xact_id_if_assigned() IS NULL",
    "SELECT count(*) FROM pg_cursors",
    "DECLARE c CURSOR FOR SELECT id FROM item ORDER BY id",
    "FETCH 2 FROM c",
    "CLOSE c",
    "VALUES (1, :text), (2, 'x')",
    "EXPLAIN (COSTS OFF) SELECT name FROM item",
    "SELECT ARRAY[1, 2], '{\"a\": 1}'::json ->> 'a', DATE '2020-02-03', 5 % 3, 'a' || :text",
    "LOCK TABLE item IN SHARE MODE NOWAIT",
    "NOTIFY c, 'x'",
)
"""Their results do not depend on the order in which rows are stored: PostgreSQL reuses the space of dead rows
once no other transaction can see them, which is a matter of time."""
_ITEM = Table(
    "item", MetaData(), Column("id", Integer, primary_key=True), Column("name", Text), Column("size", Integer)
)

Step = Callable[[AsyncSession], Awaitable[Any]]


def _rows(result: Any) -> Any:
    return [tuple(row) for row in result] if result.returns_rows else result.rowcount


def _query(choose: random.Random) -> Step:
    sql = choose.choice(QUERIES)
    values = {"n": choose.randrange(8), "text": f"it's {choose.randrange(30)}; --"}
    named = {name: value for name, value in values.items() if f":{name}" in sql}
    wanted = text(sql)
    for name in named:  # asyncpg needs the types
        wanted = wanted.bindparams(bindparam(name, type_=Integer if name == "n" else Text))

    async def run(session: AsyncSession) -> Any:
        return _rows(await session.execute(wanted, named))

    return run


def _many(choose: random.Random) -> Step:
    rows = [{"name": f"many {choose.randrange(200)}", "size": choose.randrange(8)} for _ in range(3)]
    returning = choose.random() < 0.5

    async def run(session: AsyncSession) -> Any:
        if returning:
            return _rows(
                await session.execute(insert(_ITEM).returning(_ITEM.c.id, sort_by_parameter_order=True), rows)
            )
        return _rows(await session.execute(text("INSERT INTO item (name, size) VALUES (:name, :size)"), rows))

    return run


def _stream(choose: random.Random) -> Step:
    limit = choose.randrange(5)

    async def run(session: AsyncSession) -> Any:
        result = await session.stream(
            text("SELECT id FROM item ORDER BY id OFFSET :n").bindparams(bindparam("n", limit, Integer))
        )
        return [tuple(row) async for row in result]

    return run


def _nested(choose: random.Random) -> Step:
    steps = [_query(choose), _query(choose)]

    async def run(session: AsyncSession) -> Any:
        outcomes = []
        for step in steps:
            try:
                async with session.begin_nested():
                    outcomes.append(await step(session))
            except DBAPIError as error:
                outcomes.append(kind_of(error))
        return outcomes

    return run


def kind_of(error: DBAPIError) -> tuple[str, Any]:
    return type(error).__name__, getattr(error.orig, "sqlstate", None)


def make_transactions(seed: str, statements: int) -> list[tuple[list[Step], bool]]:
    """Return transactions of so many statements in all; each is committed or rolled back."""
    choose = random.Random(seed)  # noqa: S311  # the same statements each time
    transactions = []
    while statements > 0:
        length = min(choose.randrange(1, 6), statements)
        makers = choose.choices([_query, _many, _stream, _nested], [20, 2, 1, 3], k=length)
        transactions.append(([make(choose) for make in makers], choose.random() < 0.8))
        statements -= length
    return transactions


async def outcomes_of(session: AsyncSession, steps: list[Step]) -> list[Any]:
    """Return what each statement of a transaction returned or raised."""
    outcomes = []
    for step in steps:
        try:
            outcomes.append(await step(session))
        except DBAPIError as error:
            outcomes.append(kind_of(error))
    return outcomes
