"""What sessions say to each other, and which of them may."""

from agentlink.v1 import types_pb2 as pb

from router.api.convert.times import timestamp
from router.domain.session_message import Consent, ConsentState, SessionMessage, SessionMessageState

STATES = {each: pb.SessionMessageState.Value(f"SESSION_MESSAGE_STATE_{each.name}") for each in SessionMessageState}
CONSENTS = {each: pb.ConsentState.Value(f"CONSENT_STATE_{each.name}") for each in ConsentState}


def session_message(m: SessionMessage) -> pb.SessionMessage:
    return pb.SessionMessage(
        message_id=m.message_id, from_session_id=m.from_session_id, to_session_id=m.to_session_id, text=m.text,
        hops=m.hops, reply_to=m.reply_to, state=STATES[m.state], command_id=m.command_id,
        permission_id=m.permission_id, created_at=timestamp(m.created_at), detail=m.detail,
    )  # fmt: skip


def consent_message(c: Consent) -> pb.Consent:
    return pb.Consent(
        consent_id=c.consent_id, from_session_id=c.from_session_id, from_machine_id=c.from_machine_id,
        to_session_id=c.to_session_id, to_machine_id=c.to_machine_id, state=CONSENTS[c.state],
        decided_by=c.decided_by, created_at=timestamp(c.created_at), decided_at=timestamp(c.decided_at),
    )  # fmt: skip
