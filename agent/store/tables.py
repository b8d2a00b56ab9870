"""The tables of agent.db."""

from peewee import AutoField, BooleanField, FloatField, IntegerField, Model, TextField
from playhouse.sqlite_ext import AutoIncrementField


class MetaRow(Model):
    """Single facts: inbox_id, outbox_id, last_link_epoch, the moment of the last mark."""

    key = TextField(primary_key=True)
    value = TextField()

    class Meta:
        table_name = "meta"
        without_rowid = True


class InboxRow(Model):
    """Every command ever taken and not yet pruned; `position` is the order of arrival.

    `received_at` is wall time, `ttl` in seconds. `result_seq` is the outbox row with the result once it is FINISHED.
    """

    position = AutoField()
    command_id = TextField(unique=True)
    session_id = TextField()  # bare; empty for one that was taken back before it came
    generation = IntegerField()  # 0 fits any
    sequence = IntegerField()  # the router's, within the session: below its floor nothing is sent again
    lane = TextField()
    kind = TextField()
    text = TextField()  # JSON where an action has several parts
    submit = BooleanField()
    ttl = FloatField(null=True)  # counts from the receipt
    received_at = FloatField()  # moves with the wall clock while it waits
    state = TextField()
    ending = TextField(default="")  # empty until it is FINISHED
    result_seq = IntegerField(null=True)  # NULL and 0: the router has nothing to hear, or has heard it

    class Meta:
        table_name = "inbox"


class OutboxRow(Model):
    """What the router has not acknowledged. A number is never used twice, also after its row is gone."""

    upstream_seq = AutoIncrementField()
    kind = TextField()
    payload = TextField()

    class Meta:
        table_name = "outbox"


class HeldNotificationRow(Model):
    """Notifications with files until the router has both, and behind them others of the session; `payload` is JSON.

    `after_seq` is the last number of the outbox before it, which goes first.
    """

    position = AutoField()
    session_id = TextField()
    after_seq = IntegerField()
    payload = TextField()

    class Meta:
        table_name = "held_notices"


class SessionRow(Model):
    """Sessions of this machine, also ended ones: a later generation must count on from theirs."""

    bare_id = TextField(primary_key=True)
    session_id = TextField()  # as its people spell it
    backend = TextField()
    label = TextField()
    cwd = TextField()
    generation = IntegerField()
    state = TextField()
    target = TextField()  # JSON: the backend's own address
    pid = IntegerField(null=True)
    pid_started = FloatField(null=True)  # pids are used again; this one is told by the wall clock
    conversation = TextField(default="")  # JSON; empty for none
    ends_at = FloatField(null=True)  # NULL for one that was not started from afar
    keep = BooleanField(default=False)
    waits_since = FloatField(null=True)  # what is waited for a person is none of its time
    mode = TextField(default="")  # of its program, as it was last heard of
    model = TextField(default="")
    limited_until = FloatField(default=0.0)  # as its program says; it does not move with our clock

    class Meta:
        table_name = "sessions"
        without_rowid = True


class DoubtRow(Model):
    """Sessions whose input line may hold what an interrupted delivery left."""

    bare_id = TextField(primary_key=True)

    class Meta:
        table_name = "doubts"
        without_rowid = True


class PromptRow(Model):
    """Texts typed, or being typed, into coding agents that will say what became of them.

    `typed` and `finished` are 0 or 1, `taken_at` is in seconds since the epoch, `turn` the program's own id.
    """

    position = AutoField()
    command_id = TextField(unique=True)
    bare_id = TextField()
    text = TextField()
    typed = IntegerField()  # the router has the result: now it may hear what the program said
    turn = TextField()  # empty until it is taken
    joined = IntegerField()  # it came into a turn that went on, and does not end with it
    taken_at = FloatField(null=True)
    finished = IntegerField()  # the work is done, and the router does not know yet that it was typed

    class Meta:
        table_name = "prompts"


class QuestionRow(Model):
    """Permission questions whose asker has no answer yet. `options` are ids, `decision` is what was chosen; JSON.

    `takes`: with which of the options there may be another input, and the form. A no with words stays until the program
    has these; `session_id` is whose people are told where nobody knows whether it has (empty in rows of before).
    """

    permission_id = TextField(primary_key=True)
    input_digest = TextField()
    options = TextField()
    decision = TextField()
    takes = TextField(default="[[], []]")
    session_id = TextField(default="")

    class Meta:
        table_name = "questions"
        without_rowid = True


class WorkspaceRow(Model):
    """Workspaces of this machine, also those that are gone. What the columns mean says the domain's KnownWorkspace."""

    key = TextField(primary_key=True)
    repository = TextField()
    ref = TextField()
    base_ref = TextField()
    foreign_branch = BooleanField()
    state = TextField()
    head = TextField()
    dirty = BooleanField()
    unpushed = IntegerField()
    certain = BooleanField()
    bytes = IntegerField()
    path = TextField()
    detail = TextField()
    session_id = TextField()
    archived_at = FloatField()  # moves with the wall clock: how long an archive is kept
    conversation_id = TextField()

    class Meta:
        table_name = "workspaces"
        without_rowid = True


class ParkedRow(Model):
    """A question whose program was ended, as nobody answered for long: its answer takes the conversation up again.

    Its row among the questions is there as long.
    """

    permission_id = TextField(primary_key=True)
    session_id = TextField()
    input_digest = TextField()
    words = TextField()  # what was to be done, for the program
    asked_at = FloatField()  # moves with the wall clock

    class Meta:
        table_name = "parked"
        without_rowid = True


TABLES = [
    MetaRow, InboxRow, OutboxRow, HeldNotificationRow, SessionRow, DoubtRow, PromptRow, QuestionRow, WorkspaceRow,
    ParkedRow,
]  # fmt: skip

# What waits is little, what has ended is much: each is found without reading the other.
InboxRow.add_index(InboxRow.index(InboxRow.position, name="inbox_open", where=InboxRow.state != "finished"))
InboxRow.add_index(
    InboxRow.index(InboxRow.session_id, InboxRow.sequence, name="inbox_finished", where=InboxRow.state == "finished")
)


class SequenceRow(Model):
    """SQLite's own table of the numbers that AUTOINCREMENT gave out; there is a row once it gave one."""

    name = TextField()
    seq = IntegerField()

    class Meta:
        table_name = "sqlite_sequence"
        primary_key = False
