"""The agent's store says in SQL what the router's says: the two share no module, and speak one language."""

from types import ModuleType

import pytest
from peewee import AutoField, IntegerField, Model, TextField

import agent.store.statements
import router.store.statements

OURS: ModuleType = agent.store.statements
THEIRS: ModuleType = router.store.statements


class Fruit(Model):
    position = AutoField()
    name = TextField(unique=True)
    colour = TextField()
    weight = IntegerField(null=True)

    class Meta:
        table_name = "fruit"


def found(store: ModuleType) -> object:
    return Fruit.select().where(Fruit.colour == "red", Fruit.weight > store.given.least).limit(store.given.limit)


def changed(store: ModuleType) -> object:
    return Fruit.update(weight=Fruit.weight + store.given.more).where(Fruit.name == store.given.name)


def added(store: ModuleType) -> object:
    return store.insert(Fruit)


def put(store: ModuleType) -> object:
    others = (Fruit.colour, Fruit.weight) if store is THEIRS else ()
    return store.upsert(Fruit, [Fruit.name], *others)


@pytest.mark.parametrize("query", [found, changed, added, put])
def test_an_expression_is_the_same_statement_in_both_stores(query: object) -> None:
    assert callable(query)
    ours, theirs = (store.Statement(query(store)) for store in (OURS, THEIRS))

    assert (ours.text, ours.names) == (theirs.text, theirs.names)
