"""Chats, and who writes in them."""

import json

from peewee import AutoField, BooleanField, CompositeKey, IntegerField, Model, TextField

from router.domain.action import FileInput
from router.domain.audience import Hearing
from router.domain.work import Shows
from router.store.columns import CodedText, TimeField, json_list, text_of


class Chat(Model):
    """Chats: what they want, the session they have chosen, the id they have got since, whether they take messages."""

    transport = TextField()
    chat_id = TextField()
    is_default = BooleanField(default=False)  # its courier names it, anew with each link
    chosen_session = TextField(default="")
    moved_to = TextField(default="")  # its id since; the row stays, as what waits may name the old one
    has_topics = BooleanField(default=False)
    asks_first = BooleanField(default=False)
    quiet = TextField(default="")
    is_closed = BooleanField(default=False)  # until a person lets the bot in again
    shows = text_of(Shows, default=Shows.QUIET)
    wrote_in = BooleanField(default=False)  # whoever wrote here was allowed to: it may be named as a target
    zone = TextField(default="")  # in which its times of day are meant; empty: the router's
    goes_on = BooleanField(default=False)  # sessions at a usage limit go on by themselves when it is over
    bundles = BooleanField(default=False)  # sessions that end their turns at about the same time are told together

    class Meta:
        table_name = "chats"
        primary_key = CompositeKey("transport", "chat_id")
        without_rowid = True


class SessionTopic(Model):
    """What a chat has for a session: its topic, and whether it makes a sound."""

    transport = TextField()
    chat_id = TextField()
    session_id = TextField()
    thread_id = TextField(default="")
    muted = BooleanField(default=False)
    muted_until = TimeField(null=True)

    class Meta:
        table_name = "places"
        primary_key = CompositeKey("transport", "chat_id", "session_id")
        without_rowid = True


_S = SessionTopic
_S.add_index(_S.transport, _S.chat_id, _S.thread_id, name="places_thread", where=_S.thread_id != "")
_S.add_index(_S.session_id, name="places_session", where=_S.thread_id != "")
_S.add_index(_S.muted_until, name="places_muted", where=_S.muted_until.is_null(is_null=False))


class Hearer(Model):
    """Chats that began a session, follow it, or do not want to hear of it."""

    session_id = TextField()
    transport = TextField()
    chat_id = TextField()
    hearing = text_of(Hearing)

    class Meta:
        table_name = "audience"
        primary_key = CompositeKey("session_id", "transport", "chat_id")
        without_rowid = True


class WorkMessage(Model):
    """The message that tells in a chat what a session does in its turn, and how far more of it was told there.

    One without ids is on its way, or nobody knows whether it came: it is not sent again.
    """

    transport = TextField()
    chat_id = TextField()
    session_id = TextField()
    thread_id = TextField(default="")
    begun = IntegerField()  # the number of the turn's first event
    told = IntegerField()  # up to which events stand in messages of their own
    message_ids = json_list(default=())
    is_open = BooleanField(default=True)  # it does not say yet that the turn is over

    class Meta:
        table_name = "work_messages"
        primary_key = CompositeKey("transport", "chat_id", "session_id")
        without_rowid = True


_W = WorkMessage
_W.add_index(_W.session_id, name="work_messages_session")
_W.add_index(_W.is_open, name="work_messages_open", where=_W.is_open)


class Stranger(Model):
    """Who wrote and is not allowed."""

    transport = TextField()
    chat_id = TextField()
    user_id = TextField()
    name = TextField()
    times = IntegerField()
    last_seen_at = TimeField()

    class Meta:
        table_name = "strangers"
        primary_key = CompositeKey("transport", "chat_id", "user_id")
        without_rowid = True


class HeldMessage(Model):
    """What was written for no session; `question` is the notification that asks for which, `file` is JSON or empty."""

    position = AutoField()
    question = TextField()
    transport = TextField()
    chat_id = TextField()
    message_id = TextField()
    text = TextField()
    file = TextField()
    album = TextField()  # files of one album come one by one, and go to one session together
    created_at = TimeField()

    class Meta:
        table_name = "held"


HeldMessage.add_index(HeldMessage.question, name="held_question")


def _file_as_json(file: FileInput) -> str:
    return json.dumps([file.file_id, file.name, file.size, file.caption])


class Voice(Model):
    """A recording: while `question` is empty, to be turned into text; else the notification that asks about it."""

    voice_id = TextField(primary_key=True)
    transport = TextField()
    chat_id = TextField()
    thread_id = TextField()
    message_id = TextField()
    reply_to = TextField()
    reply_to_ours = BooleanField()
    caption = TextField()
    file = CodedText(_file_as_json, lambda text: FileInput(*json.loads(text)))
    text = TextField()
    question = TextField()
    created_at = TimeField()

    class Meta:
        table_name = "voices"
        without_rowid = True


_V = Voice
_V.add_index(_V.transport, _V.created_at, name="voices_waiting", where=_V.question == "")
_V.add_index(_V.question, name="voices_question", where=_V.question != "")
