"""What sessions say to each other, and which of them may."""

from peewee import AutoField, IntegerField, Model, TextField

from router.domain.session_message import ConsentState, SessionMessageState
from router.store.columns import TimeField, text_of


class SessionMessage(Model):
    """Messages of sessions to each other; `position` is their order."""

    position = AutoField()
    message_id = TextField(unique=True)
    from_session_id = TextField()
    to_session_id = TextField()
    text = TextField()
    hops = IntegerField()
    created_at = TimeField()
    reply_to = TextField()
    state = text_of(SessionMessageState)
    command_id = TextField()
    permission_id = TextField()
    detail = TextField()

    class Meta:
        table_name = "session_messages"


WAITS = SessionMessage.state == SessionMessageState.WAITING
SessionMessage.add_index(SessionMessage.from_session_id, SessionMessage.position, name="session_messages_from")
SessionMessage.add_index(SessionMessage.to_session_id, SessionMessage.position, name="session_messages_to")
SessionMessage.add_index(SessionMessage.permission_id, name="session_messages_waiting", where=WAITS)


class Consent(Model):
    """Whether one session may send to another, as people said."""

    consent_id = TextField(primary_key=True)
    from_session_id = TextField()
    from_machine_id = TextField()
    to_session_id = TextField()
    to_machine_id = TextField()
    created_at = TimeField()
    state = text_of(ConsentState)
    decided_by = TextField()
    decided_at = TimeField(null=True)

    class Meta:
        table_name = "consents"


Consent.add_index(Consent.from_session_id, Consent.to_session_id, name="consents_pair")
Consent.add_index(Consent.created_at, name="consents_age")
