"""The tables as they are now. Migrations have frozen copies; a test compares the two."""

from peewee import SQL, AutoField, BlobField, BooleanField, FloatField, IntegerField, Model, TextField

from router.domain import credentials
from router.store.chat_tables import Held, SessionPlace, Stranger
from router.store.columns import json_list, text_of, words


class Meta(Model):
    """Single facts: the router's id."""

    key = TextField(primary_key=True)
    value = TextField()

    class Meta:
        table_name = "meta"


class Machine(Model):
    """Enrolled machines; what the columns mean says the domain's Machine."""

    machine_id = TextField(primary_key=True)
    public_key = BlobField()
    created_at = FloatField()
    epoch = IntegerField(default=0)
    instance_id = TextField(default="")
    inbox_id = TextField(default="")
    outbox_id = TextField(default="")
    upstream_acked = IntegerField(default=0)
    agent_version = TextField(default="")
    last_seen_at = FloatField(null=True)
    revoked = BooleanField(default=False)
    quarantined = BooleanField(default=False)
    heard_epoch = IntegerField(default=0)
    barred = words(default=())
    start_folders = json_list(default=())
    capabilities = words(null=True)

    class Meta:
        table_name = "machines"


class JoinToken(Model):
    """Rights to enrol, bound to the key that used them."""

    token_hash = TextField(primary_key=True)
    machine_id = TextField(default="")
    expires_at = FloatField()
    created_by = TextField()
    used_by_key = BlobField(null=True)
    used_as = TextField(default="")

    class Meta:
        table_name = "join_tokens"


class ApiKey(Model):
    """Keys of people and programs."""

    key_id = TextField(primary_key=True)
    secret_hash = TextField()
    label = TextField()
    role = text_of(credentials.Role)
    created_at = FloatField()
    revoked = BooleanField(default=False)

    class Meta:
        table_name = "api_keys"


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


class Notification(Model):
    """Messages to people; `position` is the order within a chat, `files` is JSON."""

    position = AutoField()
    notification_id = TextField(unique=True)
    session_id = TextField()
    transport = TextField()
    chat_id = TextField()
    thread_id = TextField()
    reply_to = TextField()
    kind = IntegerField()
    text = TextField()
    token = TextField()
    buttons = TextField()
    state = TextField()
    detail = TextField()
    attempt = IntegerField()
    message_ids = TextField()
    edits = TextField()
    command_id = TextField()
    command_state = TextField()
    created_at = FloatField()
    delivered_at = FloatField(null=True)
    pressed = TextField(default="")
    as_mark = BooleanField(default=False)
    closes_topic = BooleanField(default=False)
    permission_id = TextField(default="")
    files = TextField(default="")
    copy_of = TextField(default="")

    class Meta:
        table_name = "notifications"


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


class Message(Model):
    """Which session a platform's message speaks of."""

    transport = TextField()
    chat_id = TextField()
    message_id = TextField()
    session_id = TextField()
    notification_id = TextField()
    created_at = FloatField()

    class Meta:
        table_name = "messages"
        primary_key = False
        constraints = (SQL("PRIMARY KEY (transport, chat_id, message_id)"),)
        without_rowid = True


class Chat(Model):
    """Chats: what they want, the session they have chosen, the id they have got since, whether they take messages."""

    transport = TextField()
    chat_id = TextField()
    is_default = BooleanField(default=False)
    chosen_session = TextField(default="")
    moved_to = TextField(default="")
    has_topics = BooleanField(default=False)
    asks_first = BooleanField(default=False)
    quiet = TextField(default="")
    is_closed = BooleanField(default=False)

    class Meta:
        table_name = "chats"
        primary_key = False
        constraints = (SQL("PRIMARY KEY (transport, chat_id)"),)
        without_rowid = True


class Request(Model):
    """Answers already given, by update key or request id."""

    key = TextField(primary_key=True)
    digest = BlobField()
    response = BlobField()
    created_at = FloatField(index=True)

    class Meta:
        table_name = "requests"
        without_rowid = True


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


class Step(Model):
    """The audit: every step of every command and notification."""

    step_id = AutoField()
    at = FloatField()
    subject_id = TextField(index=True)
    session_id = TextField()
    event = TextField()
    from_state = TextField()
    to_state = TextField()
    actor = TextField()
    detail = TextField()

    class Meta:
        table_name = "steps"


class FilePart(Model):
    """A part of a file on its way to a machine or to people."""

    file_id = TextField()
    number = IntegerField()
    data = BlobField()
    created_at = FloatField()

    class Meta:
        table_name = "file_parts"
        primary_key = False
        constraints = (SQL("PRIMARY KEY (file_id, number)"),)


TABLES = [
    Meta, Machine, JoinToken, ApiKey, Session, Command, Notification, Permission, Message, Chat, SessionPlace, Request,
    Step, Suspect, Cancel, FilePart, Stranger, Held,
]  # fmt: skip

# Partial indexes: what is live is small, what is ended is large and rarely asked for.
INDEXES = [
    "CREATE INDEX commands_queued ON commands (machine_id, lane, position) WHERE state = 'queued'",
    "CREATE INDEX commands_live ON commands (machine_id, session_id) WHERE state IN ('queued', 'sent', 'received')",
    "CREATE INDEX commands_expiry ON commands (expires_at) WHERE state = 'queued'",
    "CREATE INDEX commands_session ON commands (session_id, position)",
    "CREATE INDEX commands_dead ON commands (position) WHERE state IN ('dead', 'uncertain') AND NOT dropped",
    "CREATE INDEX commands_redriven ON commands (redrive_of) WHERE redrive_of != ''",
    "CREATE INDEX commands_ended ON commands (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE INDEX notifications_queued ON notifications (transport, chat_id, kind, position) WHERE state = 'queued'",
    "CREATE INDEX notifications_sent ON notifications (transport) WHERE state = 'sent'",
    "CREATE INDEX notifications_session ON notifications (session_id, position)",
    "CREATE INDEX notifications_token ON notifications (token) WHERE token != ''",
    "CREATE INDEX notifications_command ON notifications (command_id, position) WHERE command_id != ''",
    "CREATE INDEX notifications_permission ON notifications (permission_id) WHERE permission_id != ''",
    "CREATE INDEX notifications_copies ON notifications (copy_of) WHERE copy_of != ''",
    "CREATE INDEX notifications_said ON notifications (session_id, position) WHERE text != '' AND command_id = ''",
    "CREATE INDEX permissions_open ON permissions (session_id, position) WHERE state = 'open'",
    "CREATE INDEX permissions_expiry ON permissions (expires_at) WHERE state = 'open'",
    "CREATE INDEX permissions_session ON permissions (session_id, position)",
    "CREATE INDEX messages_session ON messages (session_id)",
    "CREATE INDEX file_parts_age ON file_parts (created_at)",
    "CREATE INDEX file_parts_here ON file_parts (file_id, number, created_at)",
    "CREATE INDEX places_thread ON places (transport, chat_id, thread_id) WHERE thread_id != ''",
]
