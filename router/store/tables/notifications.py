"""The outbox, what its messages speak of, and files in parts."""

from peewee import SQL, AutoField, BlobField, BooleanField, FloatField, IntegerField, Model, TextField


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
