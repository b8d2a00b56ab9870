"""Values lie in tables by the names that the models have, and come back as they were."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from enum import Enum

import pytest
from msgspec import Struct
from msgspec.structs import replace
from peewee import BooleanField, FloatField, Model, TextField

from router.store.columns import json_list, number_of, text_of, words
from router.store.mapper import Mapper, Part
from router.store.statements import given


class Size(Enum):
    SMALL = 1
    LARGE = 2


class Sky(Enum):
    CLEAR = "clear"
    DARK = "dark"


class Place(Struct, frozen=True):
    country: str
    town: str


class Visit(Struct, frozen=True):
    """Its fields are in another order than the columns, and one of them is not on disk."""

    visitor: str
    size: Size
    place: Place
    guessed: str = "never"
    sky: Sky = Sky.CLEAR
    paid: bool = False
    left_at: float | None = None
    marks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    nicknames: tuple[str, ...] | None = None


class VisitRow(Model):
    visitor = TextField(primary_key=True)
    paid = BooleanField()
    country = TextField()
    town = TextField()
    size = number_of(Size)
    sky = text_of(Sky)
    left_at = FloatField(null=True)
    marks = words()
    notes = json_list()
    nicknames = words(null=True)

    class Meta:
        table_name = "visits"


VISITS = Mapper(VisitRow, Visit, place=Part([VisitRow.country, VisitRow.town], Place, lambda p: (p.country, p.town)))
FIND = VISITS.reads(VISITS.select().where(VisitRow.visitor == given.visitor))
ALL = VISITS.reads(VISITS.select().order_by(VisitRow.visitor))
INSERT = VISITS.writes(VISITS.insert())
WRITE = VISITS.writes(VISITS.upsert(VisitRow.visitor))
LEAVE = VISITS.writes(
    VisitRow.update({VisitRow.sky: given.sky, VisitRow.town: given.town}).where(VisitRow.visitor == given.visitor)
)
PLAIN = Visit("ann", Size.LARGE, Place("it", "rome"))
FULL = Visit("bob", Size.SMALL, Place("fr", "aix"), "never", Sky.DARK, True, 2.5, ("a", "b"), ("x y", "é"), ("bo",))


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "CREATE TABLE visits"
            " (town, visitor PRIMARY KEY, paid, country, size, sky, left_at, marks, notes, nicknames)"
        )
        yield connection


@pytest.mark.parametrize("visit", [PLAIN, FULL], ids=["by default", "full"])
def test_what_is_read_is_what_was_written(connection: sqlite3.Connection, visit: Visit) -> None:
    INSERT.one(connection, visit)

    assert FIND.one(connection, visitor=visit.visitor) == visit


def test_the_table_holds_plain_values_under_the_names_of_the_columns(connection: sqlite3.Connection) -> None:
    INSERT.one(connection, FULL)

    row = connection.execute("SELECT size, sky, country, town, paid, marks, notes, nicknames FROM visits").fetchone()
    assert row == (1, "dark", "fr", "aix", 1, "a b", '["x y", "\\u00e9"]', "bo")


def test_what_is_not_on_disk_is_as_by_default(connection: sqlite3.Connection) -> None:
    INSERT.one(connection, replace(PLAIN, guessed="often"))

    assert FIND.one(connection, visitor="ann") == PLAIN


def test_nothing_found_is_none(connection: sqlite3.Connection) -> None:
    assert FIND.one(connection, visitor="eve") is None


def test_many_come_in_the_order_of_the_query(connection: sqlite3.Connection) -> None:
    INSERT.many(connection, [FULL, PLAIN])

    assert ALL.all(connection) == [PLAIN, FULL]


def test_an_upsert_writes_over_the_row_of_the_same_key(connection: sqlite3.Connection) -> None:
    WRITE.one(connection, FULL)
    WRITE.one(connection, replace(FULL, sky=Sky.CLEAR, place=Place("fr", "pau")))

    assert ALL.all(connection) == [replace(FULL, sky=Sky.CLEAR, place=Place("fr", "pau"))]


def test_a_statement_takes_of_a_value_only_what_it_names(connection: sqlite3.Connection) -> None:
    INSERT.one(connection, FULL)

    changed = LEAVE.one(connection, replace(FULL, sky=Sky.CLEAR, size=Size.LARGE, place=Place("xx", "pau")))

    assert changed.rowcount == 1
    assert ALL.all(connection) == [replace(FULL, sky=Sky.CLEAR, place=Place("fr", "pau"))]


def test_a_constant_of_the_domain_stands_in_the_text_as_its_column_has_it(connection: sqlite3.Connection) -> None:
    INSERT.many(connection, [PLAIN, FULL])
    dark = VISITS.reads(VISITS.select().where((VisitRow.sky == Sky.DARK) & VisitRow.size.in_([Size.SMALL])))

    assert dark.all(connection) == [FULL]
