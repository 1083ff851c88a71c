"""The graph of mapped classes."""

import sys
from pathlib import Path

import pytest

from c2casgiutils.scripts.models_graph import main
from tests.support.scripts import refusal

MODELS = '''
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Timed(Base):
    __abstract__ = True
    created: Mapped[int]


class Person(Timed):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    kind: Mapped[str]
    items: Mapped[list["Item"]] = relationship(back_populates="owner")
    __mapper_args__ = {"polymorphic_on": "kind"}


class Worker(Person):
    """A table of its own: the column `id` is in both."""

    __tablename__ = "worker"
    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    wage: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "worker"}


class Guest(Person):
    """In the table of the persons."""

    until: Mapped[int | None]
    __mapper_args__ = {"polymorphic_identity": "guest"}


class Item(Base):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    owner: Mapped[Person] = relationship(back_populates="items")


not_a_class = 1
'''
GRAPH = r"""digraph {
  rankdir=BT;
  node [shape=box];
  "models_of_the_test.Base" [label="Base"];
  "models_of_the_test.Guest" [label="Guest\l\luntil [null]\l"];
  "models_of_the_test.Item" [label="Item\l\lid\lowner_id\lowner ->\l"];
  "models_of_the_test.Person" [label="Person\l\lid\lname [null]\lkind\lcreated\litems ->\l"];
  "models_of_the_test.Worker" [label="Worker\l\lid\lwage\l"];
  "models_of_the_test.Guest" -> "models_of_the_test.Person";
  "models_of_the_test.Item" -> "models_of_the_test.Base";
  "models_of_the_test.Person" -> "models_of_the_test.Base";
  "models_of_the_test.Worker" -> "models_of_the_test.Person";
}
"""


@pytest.fixture(autouse=True)
def _models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in the working directory."""
    (tmp_path / "models_of_the_test.py").write_text(MODELS)
    (tmp_path / "broken_models.py").write_text(
        MODELS.replace('relationship(back_populates="owner")', "relationship('X')")
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("models_of_the_test", "broken_models"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_all_classes(capsys: pytest.CaptureFixture[str]) -> None:
    """Each has the columns that it adds; one without a table has no box, those of others show its columns."""
    main(["models_of_the_test"])
    assert capsys.readouterr().out == GRAPH


def test_from_a_class(capsys: pytest.CaptureFixture[str]) -> None:
    main(["models_of_the_test", "Person"])
    graph = capsys.readouterr().out
    assert [line for line in graph.splitlines() if " -> " in line and "label" not in line] == [
        '  "models_of_the_test.Guest" -> "models_of_the_test.Person";',
        '  "models_of_the_test.Worker" -> "models_of_the_test.Person";',
    ]
    assert "Item" not in graph
    assert '[label="Person\\l\\lid' in graph


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        pytest.param([], 2, "required: MODULE", id="nothing"),
        pytest.param(["absent"], 2, "No module named 'absent'", id="module"),
        pytest.param([""], 2, "Empty module name", id="empty"),
        pytest.param(["models_of_the_test", "Absent"], 2, "has no attribute 'Absent'", id="class"),
        pytest.param(["models_of_the_test", "not_a_class"], 2, "not_a_class is not a class", id="no class"),
        pytest.param(["broken_models"], 1, "expression 'X' failed to locate a name", id="broken"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, problem: str) -> None:
    assert_code, line = refusal(main, arguments, capsys)
    assert assert_code == code
    assert problem in line
