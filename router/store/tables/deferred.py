"""What is to be done later."""

from peewee import AutoField, BooleanField, IntegerField, Model, TextField

from router.domain.deferral import DeferredState, Task
from router.store.columns import TimeField, text_of


class Deferred(Model):
    """One row for each; `position` is the order in which they were asked for."""

    position = AutoField()
    deferred_id = TextField(unique=True)
    task = text_of(Task)
    session_id = TextField()
    generation = IntegerField()
    sequence = IntegerField()  # of the session's next command by then: whether somebody wrote to it since
    text = TextField()
    rule = TextField()
    words = TextField()
    condition = TextField()  # what it waits for beside a time; empty for none
    is_steady = BooleanField()  # its moments are of the router's clock, and move along when that was set
    zone = TextField()
    next_at = TimeField(null=True)
    source = TextField()
    actor = TextField()
    transport = TextField()
    chat_id = TextField()
    thread_id = TextField()
    message_id = TextField()
    owner = TextField()
    person_id = TextField()
    user_id = TextField()
    key_id = TextField()
    created_at = TimeField()
    machine_id = TextField()
    folder = TextField()
    state = text_of(DeferredState)
    occurrence = IntegerField()
    fired_for = TimeField(null=True)
    limited_until = TimeField(null=True)
    started = TextField()
    detail = TextField()
    ended_at = TimeField(null=True)

    class Meta:
        table_name = "deferred"


_D = Deferred
WAITS = _D.state == DeferredState.WAITING
LIVES = (_D.state == DeferredState.WAITING) | (_D.state == DeferredState.PAUSED)
_D.add_index(_D.condition, _D.is_steady, _D.next_at, name="deferred_due", where=WAITS)
_D.add_index(_D.owner, name="deferred_owner", where=LIVES)
_D.add_index(_D.session_id, name="deferred_session", where=LIVES)
_D.add_index(_D.ended_at, name="deferred_over", where=_D.ended_at.is_null(is_null=False))
