"""E-mail as the conformance suite drives it: two stand-ins for mail servers, and a person with a mail program."""

import re
import time
from pathlib import Path

from flask.testing import FlaskClient

from tests.fakes.imap_server import ImapServer
from tests.fakes.mails import written
from tests.fakes.smtp_server import Arrived, Rude, SmtpServer
from tests.integration.webhook_adapter.transports.conformance.stages import Can, Shown, Stage
from webhook_adapter.transports.mail.inbound.mail import begun_by
from webhook_adapter.transports.mail.options import numbered
from webhook_adapter.transports.mail.outbound.transport import MailTransport
from webhook_adapter.transports.mail.reply_token import ReplyTokens

ADDRESS, KEY, PASSWORD = "pointsman@example.org", "k" * 43, "letmein"


class MailStage(Stage):
    name, transport = "mail", MailTransport
    can = frozenset({Can.ANSWER, Can.FILES, Can.REFUSE, Can.FAIL, Can.CLOSE, Can.HANG})
    chat, elsewhere = "ada@example.org", "eva@example.org"

    def __init__(self, _folder: Path) -> None:
        self.smtp = SmtpServer(password=PASSWORD)
        self.imap = ImapServer(password=PASSWORD)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "POINTSMAN_MAIL_ADDRESS": ADDRESS,
            "POINTSMAN_MAIL_SMTP": self.smtp.url,
            "POINTSMAN_MAIL_IMAP": self.imap.url,
            "POINTSMAN_MAIL_PASSWORD": PASSWORD,
            "POINTSMAN_MAIL_TOKEN_KEY": KEY,
            "POINTSMAN_MAIL_PLAIN": "1",
            "ALLOWED_MAIL_ADDRESSES": f"{self.chat},{self.elsewhere}",
        }

    def shown(self) -> list[Shown]:
        return [self._shown(each) for each in self.smtp.arrived]

    def writes(self, _http: FlaskClient, number: int, text: str = "", *, press: str = "", on: str = "") -> int:
        address = ReplyTokens(KEY.encode(), ADDRESS).address(begun_by(self.chat), self.chat, time.time())
        if press:
            [asked] = [each for each in self.smtp.arrived if each.mail["Message-ID"] == f"<{on}>"]
            address = asked.mail["Reply-To"].addresses[0].addr_spec
            text = next(str(each.number) for each in self._options(asked) if each.data == press)
        return self._comes(written(text, self.chat, address, message_id=f"my-{number}@phone.example"))

    def stranger_writes(self, _http: FlaskClient) -> int:
        self._comes(written("go on", "mallory@example.com", ADDRESS))
        return 200 if self.router is None or not self.router.strangers else 401

    def fails(self, how: Can) -> None:
        verb, answer = {
            Can.REFUSE: (".", "554 5.6.0 this cannot be"),
            Can.FAIL: ("RCPT", "451 4.7.1 greylisted, come again"),
            Can.CLOSE: ("RCPT", "550 5.1.1 no such user here"),
            Can.HANG: (".", Rude.HANG),
        }[how]
        self.smtp.rude(verb, answer)

    def is_met(self) -> None:
        assert self.smtp.met.wait(30)

    def heals(self) -> None:
        self.smtp.heal()

    def close(self) -> None:
        self.smtp.stop()
        self.imap.stop()

    def _comes(self, raw: bytes) -> int:
        """A mail lies in the mailbox; what a platform that calls us would have been answered."""
        assert self.router is not None
        router, left = self.router, self.router.refusals_left
        uid = self.imap.put(raw)
        self.imap.wait_for(lambda: self.imap.is_done(uid) or router.refusals_left < left)
        return 200 if self.imap.is_done(uid) else 503

    def _options(self, arrived: Arrived) -> tuple[object, ...]:
        assert self.router is not None
        named = arrived.mail["Message-ID"].strip("<>")
        parcel = next(each for each in self.router.parcels if named in each.message_ids)
        told = parcel.delivery.notification
        return numbered((each.label, f"cmd:{told.token}:{each.action}") for each in told.buttons)

    def _shown(self, arrived: Arrived) -> Shown:
        mail = arrived.mail
        body = mail.get_body(("plain",))
        assert body is not None
        text = body.get_content().replace("\r\n", "\n").partition("\n\n-- \n")[0]
        words, listed, _ = text.partition("\n\n1. ")
        labels = re.findall(r"^[0-9]+\. (.*)$", text, re.MULTILINE) if listed else []
        buttons = {each.label: each.data for each in self._options(arrived)} if labels else {}
        assert list(buttons) == labels
        heading = mail["Subject"].removeprefix("[Pointsman] ").removeprefix("Pointsman")
        answers = mail["In-Reply-To"].strip("<>")
        return Shown(
            mail["Message-ID"].strip("<>"),
            f"{heading}\n{words}".strip(),
            buttons,
            tuple(each.get_content() for each in mail.iter_attachments()),
            "" if answers.startswith("thread.") else answers,
        )
