"""Sessions, and what they ask people."""

from peewee import AutoField, FloatField, IntegerField, Model, TextField


class Session(Model):
    """Sessions; `live` counts commands that have not ended, `next_sequence` numbers the next one."""

    session_id = TextField(primary_key=True)
    bare_id = TextField(unique=True)
    machine_id = TextField(index=True)
    label = TextField(default="")
    backend = TextField(default="")
    cwd = TextField(default="")
    state = TextField()
    generation = IntegerField(default=0)
    next_sequence = IntegerField(default=1)
    live = IntegerField(default=0)
    created_at = FloatField()
    updated_at = FloatField()
    waiting_for = TextField(default="")
    seen_at = FloatField(default=0)

    class Meta:
        table_name = "sessions"


class Permission(Model):
    """Permission questions; `position` is the order in which they came, `options` is JSON."""

    position = AutoField()
    permission_id = TextField(unique=True)
    session_id = TextField()
    machine_id = TextField()
    kind = TextField()
    tool = TextField()
    input = TextField()
    input_digest = TextField()
    options = TextField()
    created_at = FloatField()
    expires_at = FloatField()
    state = TextField()
    decided_by = TextField()
    option_id = TextField()
    text = TextField()
    detail = TextField()
    command_id = TextField()
    decided_at = FloatField(null=True)

    class Meta:
        table_name = "permissions"
