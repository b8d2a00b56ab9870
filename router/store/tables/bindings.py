"""Which machines work for what."""

from peewee import BooleanField, CompositeKey, Model, TextField

from router.store.columns import TimeField, words


class Binding(Model):
    """One row for each; what the columns mean says the domain's Binding."""

    transport = TextField()
    space = TextField()
    name = TextField()
    machine_id = TextField()
    folder = TextField()
    agent = TextField()
    allowed = words()
    writers = BooleanField()
    autostart = BooleanField()
    created_at = TimeField()
    created_by = TextField()

    class Meta:
        table_name = "bindings"
        primary_key = CompositeKey("transport", "space")
        without_rowid = True
