"""Telegram, real mail servers and a router whose time is moved, with one person who has both; and what they see."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from agentlink.v1 import control_pb2 as pb

from tests.fakes.mails import written
from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import FOR_EVER, Fault, FaultKind
from tests.fakes.telegram_state import Message, Person
from tests.integration.router.harness import API_KEY, RouterUnderTest, config
from tests.integration.router.movable import MovableTime
from tests.integration.router.new_database import lay_down
from tests.integration.telegram.scene import NoLimits
from tests.rigs.mail_servers import MailServers
from tests.waiting import wait_until
from webhook_adapter.config import AdapterConfig
from webhook_adapter.courier.courier import Courier
from webhook_adapter.transports.mail.platform import MAIL
from webhook_adapter.transports.platform import Platform
from webhook_adapter.transports.telegram.platform import start_courier, webhook
from webhook_adapter.transports.web.platform import WEB

ADA, ADDRESS = 4711, "ada@example.org"
MONDAY_AT_NINE = 1_799_053_200.0  # 4 January 2027, 09:00 UTC
DAY = 24 * 3600
PATIENCE = 60.0  # seconds; mail servers take their time
_MORE = 40.0  # seconds behind each moment, so that backoffs of a platform that is back are over


class StillTime(MovableTime):
    """A clock that stands between two moves: what is shown does not depend on how long the test takes."""

    def now(self) -> float:
        return MONDAY_AT_NINE + self.skipped


class TwoWays:
    """What a test does, and sees."""

    def __init__(self, router: RouterUnderTest, telegram: TelegramStandIn, servers: MailServers) -> None:
        self.router, self.telegram, self.servers = router, telegram, servers
        self.session = router.session(router.machine("devbox"), "api")

    def ask(self, text: str, *options: str) -> str:
        """A program asks, and would wait for two weeks."""
        request = pb.AskRequest(session_id=self.session, text=text, options=options, request_id=text)
        request.expires_in.FromSeconds(14 * DAY)
        return self.router.control.Ask(request).permission.permission_id

    def passes(self, seconds: float) -> None:
        self.router.advance(seconds)

    def telegram_goes_down(self) -> None:
        self.telegram.fail("", Fault(FaultKind.HTML_PAGE), times=FOR_EVER)

    def telegram_is_back(self) -> None:
        self.telegram._faults.clear()
        self.passes(_MORE)

    def in_telegram(self) -> list[Message]:
        return self.telegram.bot_messages(ADA)

    def sees(self, words: str, count: int = 1) -> Message:
        """The last of so many messages with these words, once the router knows that it is there."""
        found = self.telegram.wait_for(
            lambda: there if len(there := [m for m in self.in_telegram() if words in m.text]) >= count else None,
            PATIENCE,
        )
        self.all_reported()
        return found[-1]

    def mails(self, words: str, count: int = 1, answers: str = "") -> list[EmailMessage]:
        """So many mails with these words, and a subject that begins so, once they are there."""

        def there() -> list[EmailMessage] | None:
            said = [one for one in self.servers.mailbox("ada") if words in plain(one)]
            fitting = [one for one in said if str(one["Subject"]).startswith(answers)]
            return fitting if len(fitting) >= count else None

        found = wait_until(there, PATIENCE)
        self.all_reported()
        return found

    def answers_by_mail(self, mail: EmailMessage, text: str) -> None:
        to = mail["Reply-To"].addresses[0].addr_spec
        quoted = "".join(f"> {line}\n" for line in plain(mail).splitlines())
        raw = written(f"{text}\n\nOn Thu, Ada read:\n\n{quoted}", ADDRESS, to, In_Reply_To=mail["Message-ID"])
        self.servers.send("ada", to, raw)

    def all_reported(self) -> None:
        """Nothing is on its way to a platform that works."""
        wait_until(lambda: not [n for n in self.router.notifications(self.session) if n.state == 2], PATIENCE)

    def waits_for_telegram(self) -> list[str]:
        """How what was put into the outbox for Telegram stands, the oldest first: state, and why."""
        found = [n for n in self.router.notifications(self.session) if n.chat.transport == "telegram"]
        return [f"{pb_state(each.state)} {each.detail}".strip() for each in reversed(found)]


def pb_state(number: int) -> str:
    from agentlink.v1 import types_pb2

    return types_pb2.NotificationState.Name(number).removeprefix("NOTIFICATION_STATE_")  # type: ignore[arg-type]


def plain(mail: EmailMessage) -> str:
    """What a mail says, without its foot."""
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""


def screen(message: Message) -> str:
    rows = (message.reply_markup or {}).get("inline_keyboard", [])
    return "\n".join([message.text, *(" ".join(f"[{button['text']}]" for button in row) for row in rows)])


@contextmanager
def two_ways(folder: Path, servers: MailServers) -> Iterator[TwoWays]:
    """All of it runs inside the block."""
    with ExitStack() as stack:
        telegram = stack.enter_context(TelegramStandIn(seed=7))
        telegram.add_chat(ADA)
        telegram.world.people[ADA] = Person(ADA, "Ada")
        router = RouterUnderTest(config(folder))
        lay_down(router.config.database_path)
        router.time = StillTime()
        router.start()
        stack.callback(router.stop)
        stage = TwoWays(router, telegram, servers)
        environ = {
            "POINTSMAN_API_KEY": API_KEY,
            "POINTSMAN_ROUTER": router.address,
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_BASE": telegram.base_url,
            "TELEGRAM_WEBHOOK_SECRET": "s3cret",
            "TELEGRAM_WEBHOOK_PATH_SECRET": "p4th-s3cret",
            "ALLOWED_CHAT_IDS": str(ADA),
            "ALLOWED_USER_IDS": str(ADA),
            "POINTSMAN_MAIL_TOKEN_KEY": "k" * 43,
            **servers.settings,
        }
        platform = Platform("telegram", webhook, partial(start_courier, rate_limits=NoLimits()))
        courier = Courier(AdapterConfig.from_environ(environ), (platform, MAIL, WEB))
        courier.start()
        stack.callback(courier.stop)
        # Both are known before anybody asks: what they bring is what a question begins with.
        wait_until(lambda: router.router._outbox.links >= 3, PATIENCE)
        yield stage


def without_ids(text: str) -> str:
    """Words as they are in every play."""
    return re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
