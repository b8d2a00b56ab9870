"""Sessions with a model alone, and how much chats have asked of them."""

from peewee import CompositeKey, IntegerField, Model, TextField

from router.store.columns import TimeField


class QuickSession(Model):
    """Whose each such session is: of a chat, or of whoever else began it."""

    session_id = TextField(primary_key=True)
    transport = TextField()
    chat_id = TextField()

    class Meta:
        table_name = "quick_sessions"
        without_rowid = True


class QuickUse(Model):
    """What was asked on the newest day on which anything was."""

    transport = TextField()
    chat_id = TextField()
    day = IntegerField()
    requests = IntegerField()
    output_tokens = IntegerField()

    class Meta:
        table_name = "quick_uses"
        primary_key = CompositeKey("transport", "chat_id")
        without_rowid = True


class Proposed(Model):
    """Work that a model would hand over, for a day."""

    proposal_id = TextField(primary_key=True)
    prompt = TextField()
    machine_id = TextField()
    agent = TextField()
    folder = TextField()
    created_at = TimeField()

    class Meta:
        table_name = "proposals"
        without_rowid = True
