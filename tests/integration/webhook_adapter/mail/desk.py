"""A person at their mail program, and what they see and do there."""

from email.message import EmailMessage
from typing import Any

from tests.fakes.mails import written
from tests.fakes.smtp_server import Arrived
from tests.integration.webhook_adapter.transports.conformance.mail_stage import ADDRESS, MailStage
from tests.integration.webhook_adapter.transports.conformance.play import Play
from tests.rigs.scripted_outbox import ChatLinkStandIn, Parcel

ADA = "ada@example.org"
QUESTION = [("✅ Allow", "allow"), ("❌ Deny", "deny"), ("💬 Deny with reason", "reason")]


class Desk(Play):
    """The play of the conformance suite, with mail on it."""

    stage: MailStage

    def __init__(self, router: ChatLinkStandIn, stage: MailStage) -> None:
        stage.router = router
        super().__init__(router, stage)

    def mails(self, count: int) -> list[Arrived]:
        """All mails, once there are so many."""
        self.stage.smtp.wait_for(lambda: len(self.stage.smtp.arrived) >= count)
        return list(self.stage.smtp.arrived)

    def asks(self, kind: int = 1, options: int = 3) -> Parcel:
        """A session asks; kind and number of options as the router knows the question."""
        from agentlink.v1 import types_pb2

        asked = types_pb2.Permission(permission_id="p1", kind=kind)  # type: ignore[arg-type]
        asked.options.extend(types_pb2.PermissionOption(option_id=str(each)) for each in range(options))
        self.router.permissions.append(asked)
        parcel = self.router.deliver("May it?", ADA, transport="mail", session_id="s1", buttons=QUESTION)
        parcel.delivery.notification.permission_id = "p1"
        self.router.wait_until_ended(parcel)
        return parcel

    def answers(
        self, text: str, mail: Arrived | None = None, *, sender: str = ADA, number: int = 1, **more: Any
    ) -> int:
        """Somebody answers a mail, by default the newest; returns when it is settled."""
        to = (mail or self.stage.smtp.arrived[-1]).mail["Reply-To"].addresses[0].addr_spec
        return self.comes(written(text, sender, to, message_id=f"their-{number}@phone.example", **more))

    def comes(self, raw: bytes) -> int:
        """A mail comes; returns its UID when it is settled."""
        uid = self.stage.imap.put(raw)
        self.stage.imap.wait_for(lambda: self.stage.imap.is_done(uid))
        return uid

    def texts(self) -> list[str]:
        """What was handed in."""
        return [each.text or each.button.data for each in self.router.submitted]


def plain(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


__all__ = ["ADA", "ADDRESS", "QUESTION", "Desk", "plain"]
