"""A statement says in SQL what its expression says, once; values come by name."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from peewee import CompositeKey, IntegerField, Model, SqliteDatabase, TextField

from router.store.statements import Statement, given, insert, listed, upsert


class Fruit(Model):
    farm = TextField()
    name = TextField()
    colour = TextField(default="green")
    weight = IntegerField()

    class Meta:
        table_name = "fruit"
        primary_key = CompositeKey("farm", "name")


class ElsewhereDatabase(SqliteDatabase):
    """As PostgreSQL's dialect: it marks values in another way."""

    param = "%s"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "CREATE TABLE fruit (farm TEXT, name TEXT, colour TEXT, weight INTEGER, PRIMARY KEY (farm, name))"
        )
        connection.executemany(
            "INSERT INTO fruit VALUES ('a', ?, ?, ?)", [("plum", "blue", 3), ("pear", "green", 9), ("fig", "blue", 1)]
        )
        yield connection


def rows(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT name, colour, weight FROM fruit ORDER BY name").fetchall()


def test_values_come_by_name_wherever_they_stand(connection: sqlite3.Connection) -> None:
    heavier = Fruit.select(Fruit.name).where((Fruit.weight > given.least) & (Fruit.colour == given.colour))

    assert Statement(heavier).values(connection, colour="blue", least=2) == ["plum"]


def test_a_value_may_stand_in_several_places(connection: sqlite3.Connection) -> None:
    any_or_one = Fruit.select(Fruit.name).where((given.colour == "") | (Fruit.colour == given.colour))
    statement = Statement(any_or_one.order_by(Fruit.name))

    assert statement.values(connection, colour="") == ["fig", "pear", "plum"]
    assert statement.values(connection, colour="green") == ["pear"]


def test_a_constant_stands_literally_in_the_text_as_partial_indexes_want_it() -> None:
    statement = Statement(Fruit.select(Fruit.name).where(Fruit.colour.in_(["o'range", "red"])))

    assert "IN ('o''range', 'red')" in statement.text
    assert statement.names == []


def test_a_missing_value_is_a_mistake(connection: sqlite3.Connection) -> None:
    with pytest.raises(KeyError, match="least"):
        Statement(Fruit.select().where(Fruit.weight > given.least)).run(connection)


def test_no_row_has_no_value(connection: sqlite3.Connection) -> None:
    assert Statement(Fruit.select(Fruit.name).where(Fruit.weight > 100)).value(connection) is None


@pytest.mark.parametrize(("names", "found"), [('["plum", "fig"]', ["fig", "plum"]), ("[]", [])], ids=["two", "none"])
def test_a_list_is_one_value(connection: sqlite3.Connection, names: str, found: list[str]) -> None:
    statement = Statement(Fruit.select(Fruit.name).where(Fruit.name.in_(listed(given.names))).order_by(Fruit.name))

    assert statement.values(connection, names=names) == found


def test_an_insert_gives_what_it_names_and_leaves_the_rest_to_defaults(connection: sqlite3.Connection) -> None:
    Statement(insert(Fruit, Fruit.farm, Fruit.name, Fruit.weight)).run(connection, farm="b", name="kiwi", weight=2)

    assert ("kiwi", "green", 2) in rows(connection)


def test_an_upsert_changes_of_a_row_what_it_names_and_makes_it_where_there_is_none(
    connection: sqlite3.Connection,
) -> None:
    weigh = Statement(upsert(Fruit, (Fruit.farm, Fruit.name), Fruit.weight))

    weigh.run(connection, farm="a", name="plum", weight=7)
    weigh.run(connection, farm="a", name="lime", weight=7)

    assert rows(connection) == [("fig", "blue", 1), ("lime", "green", 7), ("pear", "green", 9), ("plum", "blue", 7)]


def test_another_database_is_asked_in_its_own_dialect() -> None:
    query = Fruit.select(Fruit.name).where((Fruit.weight > given.least) & (Fruit.colour == "red"))

    assert '"weight" > %s) AND ("t1"."colour" = \'red\')' in Statement(query, ElsewhereDatabase(None)).text
