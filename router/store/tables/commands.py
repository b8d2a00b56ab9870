"""Commands, and what is known of those that are under way."""

from peewee import SQL, AutoField, BooleanField, FloatField, IntegerField, Model, TextField


class Command(Model):
    """Commands; `position` is the order of acceptance over all sessions."""

    position = AutoField()
    command_id = TextField(unique=True)
    session_id = TextField()
    machine_id = TextField()
    generation = IntegerField()
    sequence = IntegerField()
    lane = IntegerField()
    kind = TextField()
    text = TextField()
    submit = BooleanField()
    source = TextField()
    actor = TextField()
    transport = TextField()
    chat_id = TextField()
    thread_id = TextField()
    message_id = TextField()
    created_at = FloatField()
    expires_at = FloatField()
    has_ttl = BooleanField()
    state = TextField()
    reason = IntegerField()
    detail = TextField()
    attempt = IntegerField()
    charged = IntegerField()
    epoch = IntegerField()
    inbox_id = TextField()
    redrive_of = TextField()
    sent_at = FloatField(null=True)
    received_at = FloatField(null=True)
    typed_at = FloatField(null=True)
    taken_at = FloatField(null=True)
    finished_at = FloatField(null=True)
    ended_at = FloatField(null=True)
    dropped = BooleanField(default=False)
    hold = IntegerField(default=0)
    names_session = BooleanField(default=False)

    class Meta:
        table_name = "commands"


class Suspect(Model):
    """Commands that were on their way when a link died young, and how often the agent had died, too."""

    machine_id = TextField()
    command_id = TextField()
    epoch = IntegerField()
    crashes = IntegerField()

    class Meta:
        table_name = "suspects"
        primary_key = False
        constraints = (SQL("PRIMARY KEY (machine_id, command_id)"),)
        without_rowid = True


class Cancel(Model):
    """Commands that somebody wants back from a machine."""

    machine_id = TextField()
    command_id = TextField()
    actor = TextField()

    class Meta:
        table_name = "cancels"
        primary_key = False
        constraints = (SQL("PRIMARY KEY (machine_id, command_id)"),)
        without_rowid = True
