"""The tables of what people write that is for no session, or not yet; the others are in tables."""

from peewee import SQL, FloatField, IntegerField, Model, TextField


class Stranger(Model):
    """Who wrote and is not allowed."""

    transport = TextField()
    chat_id = TextField()
    user_id = TextField()
    name = TextField()
    times = IntegerField()
    last_seen_at = FloatField()

    class Meta:
        table_name = "strangers"
        primary_key = False
        constraints = (SQL("PRIMARY KEY (transport, chat_id, user_id)"),)
        without_rowid = True
