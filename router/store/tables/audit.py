"""Who was let in and what they changed. Triggers, in the migrations, refuse to change or to take out what is there."""

from peewee import IntegerField, Model, TextField

from router.store.columns import TimeField


class AuditEntry(Model):
    """The audit; what the columns mean says the domain's AuditEntry."""

    number = IntegerField(primary_key=True)
    at = TimeField()
    event = TextField()
    kind = TextField()
    identity = TextField()
    label = TextField()
    claimed = TextField()
    peer = TextField()
    subject = TextField()
    detail = TextField()
    previous = TextField()
    digest = TextField()

    class Meta:
        table_name = "audit_entries"


class AuditAnchor(Model):
    """One row: the last entry that retention took away. It moves forward alone, and entries go only up to it."""

    number = IntegerField(primary_key=True)
    digest = TextField()

    class Meta:
        table_name = "audit_anchors"
