"""Rights to report to a session once, from outside."""

from peewee import Model, TextField

from router.store.columns import TimeField


class Callback(Model):
    """By the hash of its token: who reads the file, or a backup of it, cannot report."""

    callback_id = TextField(primary_key=True)
    token_hash = TextField()
    session_id = TextField()
    name = TextField()
    created_by = TextField()
    made_with = TextField()  # the API key's id: they end with it
    created_at = TimeField()
    expires_at = TimeField()
    report = TextField(default="")  # the hash of what was said with it

    class Meta:
        table_name = "callbacks"
        without_rowid = True


Callback.add_index(Callback.session_id, name="callbacks_session")
