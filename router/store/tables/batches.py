"""What a person may do to many at once."""

import msgspec
from peewee import Model, TextField

from router.domain.batch import Doing, Item
from router.store.columns import CodedText, TimeField, text_of


def _as_json(items: tuple[Item, ...]) -> str:
    return msgspec.json.encode(items).decode()


def _of_json(text: str) -> tuple[Item, ...]:
    return msgspec.json.decode(text, type=tuple[Item, ...])


class Batch(Model):
    """What a message in a chat showed, for its button: that alone, as it was then."""

    batch_id = TextField(primary_key=True)
    doing = text_of(Doing)
    items = CodedText(_as_json, _of_json)
    created_at = TimeField()

    class Meta:
        table_name = "batches"


Batch.add_index(Batch.created_at, name="batches_age")
