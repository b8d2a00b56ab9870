"""A chat with its people, a courier, a router and a machine, all in this process; nothing between them is a fake."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from agentlink.v1 import types_pb2 as types

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_state import Message, Press
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.waiting import wait_until
from webhook_adapter.config import AdapterConfig
from webhook_adapter.courier.courier import Courier
from webhook_adapter.transports.platform import Platform
from webhook_adapter.transports.telegram.platform import start_courier, webhook
from webhook_adapter.transports.telegram.rate_limits import RateLimits
from webhook_adapter.transports.web.platform import WEB

GROUP = -4711
ADA, BOB, MALLORY = 4711, 12, 13  # Mallory is in the group, and may command nothing


class NoLimits(RateLimits):
    """Nobody waits for Telegram's limits: tests of their own are about those."""

    @contextmanager
    def call(self, chat_id: str, *, spare: bool = False) -> Iterator[None]:  # noqa: ARG002 - as the budget has it
        yield

    def rest(self, chat_id: str) -> tuple[float, float]:  # noqa: ARG002 - as the budget has it
        return 0.0, 0.0


class Scene:
    """What a test acts on."""

    def __init__(self, router: RouterUnderTest, telegram: TelegramStandIn) -> None:
        self.router = router
        self.telegram = telegram
        self.machine: ThinAgent = router.machine("devbox")
        self.session = router.session(self.machine, "api")

    def settings(self) -> AdapterConfig:
        return AdapterConfig.from_environ(
            {
                "POINTSMAN_API_KEY": API_KEY,
                "POINTSMAN_ROUTER": self.router.address,
                "TELEGRAM_BOT_TOKEN": self.telegram.token,
                "TELEGRAM_API_BASE": self.telegram.base_url,
                "TELEGRAM_WEBHOOK_SECRET": "s3cret",
                "TELEGRAM_WEBHOOK_PATH_SECRET": "p4th-s3cret",
                "ALLOWED_CHAT_IDS": str(GROUP),
                "ALLOWED_USER_IDS": f"{ADA},{BOB}",
            }
        )

    @contextmanager
    def courier(self) -> Iterator[None]:
        """An adapter that polls and sends."""
        telegram = Platform("telegram", webhook, partial(start_courier, rate_limits=NoLimits()))
        courier = Courier(self.settings(), (telegram, WEB))
        courier.start()
        try:
            yield
        finally:
            courier.stop()
            assert not courier.failed

    @contextmanager
    def linked(self) -> Iterator[ThinLink]:
        """The machine is there, and so is the adapter."""
        with ExitStack() as stack:
            stack.enter_context(self.courier())
            yield stack.enter_context(self.machine.connected())

    def restart(self) -> None:
        """Stop the router and start it again on its data; the machine keeps its key."""
        old = self.machine
        self.router.restart()
        self.machine = self.router.stranger(old.machine_id)
        self.machine.key, self.machine.last_epoch = old.key, old.last_epoch
        self.machine.inbox_id, self.machine.outbox_id = old.inbox_id, old.outbox_id

    def sees(self, words: str) -> Message:
        """The newest message of the bot with these words, once the router knows that it is there."""
        message = self.telegram.wait_for_message(words, chat_id=GROUP)
        delivered = {types.NOTIFICATION_STATE_DELIVERED}
        wait_until(lambda: {each.state for each in self.router.notifications(self.session)} == delivered)
        return message

    def sees_over(self, question: Message, words: str) -> None:
        """A question says how it ended, and nothing can be pressed any more."""
        self.telegram.wait_for(lambda: words in question.text)
        assert not question.buttons

    def presses(self, question: Message, label: str, person: int = ADA, data: str | None = None) -> str:
        """Press a button; what pops up."""
        pressed: Press = self.telegram.press(question, label, user_id=person, data=data)
        self.telegram.wait_for(lambda: pressed.answer is not None)
        return str((pressed.answer or {}).get("text", ""))

    def replies(self, question: Message, text: str, person: int = ADA) -> Message:
        return self.telegram.user_writes(text, chat_id=GROUP, user_id=person, reply_to=question)


@contextmanager
def playing(data_dir: Path) -> Iterator[Scene]:
    """A scene whose router and Telegram run inside the block."""
    with TelegramStandIn(seed=5) as telegram, serving(config(data_dir)) as router:
        telegram.add_chat(GROUP, title="Ops")
        yield Scene(router, telegram)
