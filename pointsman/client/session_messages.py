"""What sessions say to each other, and which of them may."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2

from pointsman.client import convert
from pointsman.client.calls import Calls, request_id


class SessionMessageState(Enum):
    """Where a message stands."""

    UNKNOWN = "UNKNOWN"
    WAITING = "WAITING"  # people are asked whether it may be
    SENT = "SENT"
    REFUSED = "REFUSED"


class ConsentState(Enum):
    """What people said."""

    UNKNOWN = "UNKNOWN"
    ASKED = "ASKED"
    GIVEN = "GIVEN"
    REFUSED = "REFUSED"
    ENDED = "ENDED"  # the next message asks anew


@dataclass(frozen=True, slots=True)
class SessionMessage:
    """What a session says to another. `hops`: sessions that passed it on in a row, this one counted."""

    message_id: str
    from_session_id: str
    to_session_id: str
    text: str
    hops: int
    reply_to: str
    state: SessionMessageState
    command_id: str
    permission_id: str
    created_at: datetime | None
    detail: str


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether a session may send to another."""

    consent_id: str
    from_session_id: str
    from_machine_id: str
    to_session_id: str
    to_machine_id: str
    state: ConsentState
    decided_by: str
    created_at: datetime | None
    decided_at: datetime | None


class SessionMessages(Calls):
    """Every method raises RouterError."""

    def send_to_session(self, to: str, text: str, reply_to: str = "", *, request: str | None = None) -> SessionMessage:
        """Say something to another session, by its whole id or its name; of the program in a session alone.

        WAITING: its people are asked first. With `reply_to` it answers a message that came, and `to` may be empty.
        """
        # Under one id: whoever asks again after a cut line says it once.
        asked = pb.SendToSessionRequest(to=to, text=text, reply_to=reply_to, request_id=request_id(request))
        return _message(self._call(self._stub.SendToSession, asked).message)

    def session_messages(self, session_id: str = "", limit: int = 0) -> list[SessionMessage]:
        """What sessions said to each other, newest first; from or to one, if it is given."""
        asked = pb.ListSessionMessagesRequest(session_id=session_id, limit=limit)
        return [_message(each) for each in self._call(self._stub.ListSessionMessages, asked).messages]

    def consents(self, *, include_over: bool = False) -> list[Consent]:
        """Which sessions may send to which, newest first."""
        asked = pb.ListConsentsRequest(include_over=include_over)
        return [_consent(each) for each in self._call(self._stub.ListConsents, asked).consents]

    def end_consent(self, consent_id: str, *, request: str | None = None) -> Consent:
        """Take back what people said: the next message asks anew."""
        asked = pb.EndConsentRequest(consent_id=consent_id, request_id=request_id(request))
        return _consent(self._call(self._stub.EndConsent, asked).consent)


def _message(m: types_pb2.SessionMessage) -> SessionMessage:
    # A newer router may have states that we do not know.
    known = m.state in types_pb2.SessionMessageState.values()
    state = types_pb2.SessionMessageState.Name(m.state).removeprefix("SESSION_MESSAGE_STATE_") if known else ""
    return convert.read(SessionMessage, m, state=convert.member(SessionMessageState, state))


def _consent(c: types_pb2.Consent) -> Consent:
    known = c.state in types_pb2.ConsentState.values()
    state = types_pb2.ConsentState.Name(c.state).removeprefix("CONSENT_STATE_") if known else ""
    return convert.read(Consent, c, state=convert.member(ConsentState, state))
