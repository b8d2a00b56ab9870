"""What people said of two sessions, and what these said, laid down as it would be; and taken back."""

from agentlink.v1 import control_pb2 as pb

from router.domain.session_message import Consent, ConsentState, SessionMessage
from router.store import consents, session_messages
from tests.integration.router.harness import RouterUnderTest


def a_consent(router: RouterUnderTest, word: str) -> str:
    """A session of that world may write to itself, and did."""
    one, machine, now = f"{word}-session", f"{word}-box", router.time.now()
    given = Consent(f"{word}-consent", one, machine, one, machine, now, ConsentState.GIVEN)
    router.write(lambda tx: consents.insert(tx, given))
    said = SessionMessage(f"{word}-message", one, one, f"{word} whisper", 1, now)
    router.write(lambda tx: session_messages.insert(tx, said))
    return given.consent_id


def an_ended_consent(router: RouterUnderTest) -> str:
    consent_id = a_consent(router, "some")
    router.control.EndConsent(pb.EndConsentRequest(consent_id=consent_id))
    return consent_id
