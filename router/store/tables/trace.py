"""What has happened: every step, and the answers already given; beside them single facts."""

from peewee import AutoField, BlobField, Model, TextField

from router.store.columns import TimeField


class TraceStep(Model):
    """The trace: every step of every command and notification."""

    step_id = AutoField()  # also the cursor of who watches
    at = TimeField()
    subject_id = TextField()  # of a command, a notification or a question
    session_id = TextField()
    event = TextField()
    from_state = TextField()
    to_state = TextField()
    actor = TextField()
    detail = TextField()
    identity = TextField(default="")

    class Meta:
        table_name = "steps"


TraceStep.add_index(TraceStep.subject_id, name="step_subject_id")


class IdempotencyRecord(Model):
    """Answers already given, by update key or request id."""

    key = TextField(primary_key=True)
    digest = BlobField()  # empty where the key alone says which request it is
    response = BlobField()
    created_at = TimeField()

    class Meta:
        table_name = "requests"
        without_rowid = True


IdempotencyRecord.add_index(IdempotencyRecord.created_at, name="request_created_at")


class Meta(Model):
    """Single facts: the router's id."""

    key = TextField(primary_key=True)
    value = TextField()

    class Meta:
        table_name = "meta"
