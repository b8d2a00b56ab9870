"""Who is asked again, and elsewhere."""

from peewee import CompositeKey, IntegerField, Model, TextField

from router.store.columns import TimeField


class Escalation(Model):
    """Where persons stand with questions; what the columns mean says the domain's Escalation."""

    permission_id = TextField()
    person_id = TextField()
    session_id = TextField()
    asked_at = TimeField()
    next_at = TimeField()
    told_at = TimeField()
    rung = IntegerField()
    round = IntegerField()
    days = IntegerField()

    class Meta:
        table_name = "escalations"
        primary_key = CompositeKey("permission_id", "person_id")
        without_rowid = True


Escalation.add_index(Escalation.next_at, name="escalations_next_at")


class Telling(Model):
    """Which notifications tell whom of a question; what the columns mean says the domain's Telling."""

    notification_id = TextField()
    permission_id = TextField()
    person_id = TextField()
    round = IntegerField()
    turn = IntegerField()
    at = TimeField()

    class Meta:
        table_name = "tellings"
        primary_key = CompositeKey("notification_id", "person_id")
        without_rowid = True


Telling.add_index(Telling.permission_id, Telling.person_id, name="tellings_question")
Telling.add_index(Telling.at, name="tellings_at")
