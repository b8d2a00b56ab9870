"""A chat, a courier, a router and a machine, while the Bot API answers one method as it should not, for ever.

Time moves only when the test lets it, also for a call that hangs: so it is exact how long people wait, and no machine
is too slow for it. Between two steps of time everything happens that can happen.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import requests
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import FOR_EVER, Fault, FaultKind
from tests.fakes.telegram_images import png
from tests.fakes.telegram_state import Message
from tests.integration.router.harness import API_KEY, MovableTime, RouterUnderTest, config
from tests.integration.router.new_database import lay_down
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.waiting import wait_until
from webhook_adapter.config import AdapterConfig
from webhook_adapter.courier.courier import Courier
from webhook_adapter.transports.platform import Platform
from webhook_adapter.transports.telegram.client import TelegramClient
from webhook_adapter.transports.telegram.platform import start_courier, webhook
from webhook_adapter.transports.telegram.rate_limits import RateLimits
from webhook_adapter.transports.web.platform import WEB

ADA, FORUM = 4711, -1001234567890
STEP = 0.5  # seconds of the router's time
LOOK = 0.002  # real seconds
BESIDE = ("answerCallbackQuery", "setMyCommands", "getMe")  # no delivery is such a call, or not often
HURRY = 100.0  # how much sooner than told a call that hangs is given up
ANSWERS = {
    "true": Fault(FaultKind.ANSWER, result=True),
    "null": Fault(FaultKind.ANSWER, result=None),
    "404": Fault(FaultKind.REFUSE, 404, "Not Found: method not found"),
    "500": Fault(FaultKind.REFUSE, 500, "Internal Server Error"),
    "nothing": Fault(FaultKind.HANG),
}
ON_ITS_WAY = "SELECT count(*) FROM notifications WHERE state = 'sent' AND transport = 'telegram'"


class FrozenTime(MovableTime):
    """Only what the test skips passes."""

    def __init__(self) -> None:
        super().__init__()
        self._wall, self._steady = time.time(), time.monotonic()

    def now(self) -> float:
        return self._wall + self.skipped + self.wall_step

    def monotonic(self) -> float:
        return self._steady + self.skipped


class Sleepers:
    """Who waits for the router's time: calls that hang, and calls that keep a limit."""

    def __init__(self, time: MovableTime) -> None:
        self._time = time
        self._until: dict[object, float] = {}
        self.over = threading.Event()

    @property
    def asleep(self) -> int:
        """How many deliveries wait for a time that has not come."""
        return sum(until > self._time.monotonic() for until in list(self._until.values()))

    @contextmanager
    def until(self, moment: float) -> Iterator[None]:
        """A delivery waits for that moment, within the block."""
        key = object()
        self._until[key] = moment
        try:
            yield
        finally:
            del self._until[key]

    def sleep(self, moment: float) -> None:
        """Come back then."""
        while self._time.monotonic() < moment and not self.over.wait(LOOK):
            pass


class Pace:
    """The router's time for who keeps Telegram's limits."""

    def __init__(self, time: MovableTime, sleepers: Sleepers) -> None:
        self._time = time
        self._sleepers = sleepers

    def monotonic(self) -> float:
        return self._time.monotonic()

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        with self._sleepers.until(self._time.monotonic() + seconds):
            condition.wait(LOOK)  # whoever waits looks again


class Hurried(requests.Session):
    """Learns soon that the method does not answer, and tells it when the time is over that it should have waited."""

    def __init__(self, method: str, time: MovableTime, sleepers: Sleepers) -> None:
        super().__init__()
        self._method = method
        self._time = time
        self._sleepers = sleepers

    def post(self, url: Any, *args: Any, **more: Any) -> requests.Response:  # type: ignore[override]
        if not str(url).endswith(f"/{self._method}"):
            return super().post(url, *args, **more)
        connect, patience = more.pop("timeout")
        moment = self._time.monotonic() + patience
        try:
            return super().post(url, *args, timeout=(connect, patience / HURRY), **more)
        except requests.ReadTimeout:
            if self._method in BESIDE:
                self._sleepers.sleep(moment)
            else:
                with self._sleepers.until(moment):
                    self._sleepers.sleep(moment)
            raise


class Broken:
    """What a test does there. Every message says something of its own."""

    def __init__(self, router: RouterUnderTest, telegram: TelegramStandIn, sleepers: Sleepers) -> None:
        self.router = router
        self.telegram = telegram
        self._sleepers = sleepers
        self.machine: ThinAgent = router.machine("devbox")
        self.session = router.session(self.machine, "api")
        self._seq = 0

    # --- what happens ---

    def says(self, text: str, *chats: int, **more: Any) -> str:
        targets = [_chat(chat) for chat in chats]
        return self.router.notify(self.session, *targets, text=text, **more)[0].notification_id

    def sends_a_file(self, name: str, content: bytes) -> None:
        self.machine.put_part(name, 0, content)
        file = types.NotificationFile(file_id=name, name=name, size=len(content))
        self.machine.notify(f"note-{name}", self.session, f"here is {name}", file, targets=[_chat(ADA)])

    def is_told(self, text: str) -> tuple[str, Message]:
        """A person writes to the session; the command it becomes, and the message."""
        written = self.telegram.world.add_message(
            self.telegram.world.chats[ADA], self.telegram.world.person(ADA), text=text
        )
        return self.router.submit(_chat(ADA, written), text, session_id=self.session).command_id, written

    def has_carried_out(self, link: ThinLink, text: str) -> Message:
        """A person writes, and the machine types it; their message."""
        command_id, written = self.is_told(text)
        self.carries_out(link, command_id)
        return written

    def presses(self, label: str, message: Message) -> str:
        """A person presses a button, and the router hears of it also where nothing can be polled. Its command."""
        data = message.buttons[label]
        self.telegram.press(message, "", data="cmd:nonsense", user_id=ADA)  # what pops up is a call of its own
        return self.router.submit(_chat(ADA, message), button=chat_pb.ButtonPress(data=data)).command_id

    def wants_topics(self) -> None:
        """The forum's people want a topic for each session."""
        self.router.submit(_chat(FORUM), "/topics on")

    def ends(self) -> None:
        """The session is over; its topic is closed."""
        self.router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=self.session))

    def carries_out(self, link: ThinLink, command_id: str, **end: Any) -> None:
        link.commands(1)
        self._seq += 1
        link.result(self._seq, command_id, **end)
        self._heard(link)

    def asks(self, link: ThinLink, permission_id: str) -> None:
        """A permission question, for every chat."""
        self._seq += 1
        option = types.PermissionOption(option_id="allow", verdict=types.VERDICT_ALLOW)
        frame = link_pb.PermissionRequest(
            upstream_seq=self._seq, session_id=self.session, permission_id=permission_id, tool="Bash",
            input=f"about {permission_id}", input_digest="d", options=[option], kind=types.PERMISSION_KIND_TOOL,
        )  # fmt: skip
        frame.expires_in.FromSeconds(24 * 3600)
        link.frame(permission_request=frame)
        self._heard(link)

    def _heard(self, link: ThinLink) -> None:
        """Wait for the router's word on the newest frame, which it gathers for a moment."""
        link.heard()
        self.router.advance(0.1)
        link.acked(self._seq)

    # --- time ---

    def within(self, seconds: float, arrived: Callable[[], object]) -> bool:
        """Whether something comes about in so much time, as the router counts it."""
        ends = self.router.time.monotonic() + seconds
        while not arrived():
            self._until_nothing_happens()
            if not arrived():
                if self.router.time.monotonic() >= ends:
                    return False
                self.router.advance(STEP)
        return self.router.time.monotonic() <= ends

    def passes(self, seconds: float, step: float) -> None:
        """Let time pass."""
        ends = self.router.time.monotonic() + seconds
        while self.router.time.monotonic() < ends:
            self.router.advance(step)
            self._until_nothing_happens()

    def _until_nothing_happens(self) -> None:
        self.router.settle()
        wait_until(lambda: self._on_its_way() <= self._sleepers.asleep, 30)

    def _on_its_way(self) -> int:
        return int(self.router.read(lambda c: c.execute(ON_ITS_WAY).fetchone()[0]))

    # --- what is to be seen ---

    def shows(self, words: str, chat: int = ADA) -> list[Message]:
        """The bot's messages that say so, also as the caption of a file."""
        return [m for m in self.telegram.bot_messages(chat) if words in m.text or words in m.extra.get("caption", "")]

    def notes(self) -> list[types.Notification]:
        """Messages to people and changes of them."""
        request = pb.ListNotificationsRequest(transport="telegram", limit=1000)
        return list(self.router.control.ListNotifications(request).notifications)

    def dead_letters(self) -> list[types.Notification]:
        """Messages that people did not get."""
        return list(self.router.control.ListDeadLetters(pb.ListDeadLettersRequest()).notifications)


@contextmanager
def broken(data_dir: Path, method: str, answer: str) -> Iterator[Broken]:
    """Such a world, whose Bot API answers a method so for ever."""
    settings = config(data_dir)
    lay_down(settings.database_path)
    router = RouterUnderTest(settings)
    router.time = FrozenTime()
    router.start()
    try:
        with TelegramStandIn(seed=5) as telegram:
            telegram.add_chat(ADA)
            telegram.add_chat(FORUM, is_forum=True, title="Ops")
            telegram.fail(method, ANSWERS[answer], times=FOR_EVER)
            hangs = method if answer == "nothing" and method != "getUpdates" else ""  # nobody waits for a poll
            sleepers = Sleepers(router.time)
            with _courier(router, telegram, hangs, sleepers):
                yield Broken(router, telegram, sleepers)
    finally:
        router.stop()


@contextmanager
def _courier(router: RouterUnderTest, telegram: TelegramStandIn, hangs: str, sleepers: Sleepers) -> Iterator[None]:
    settings = AdapterConfig.from_environ(
        {
            "POINTSMAN_API_KEY": API_KEY,
            "POINTSMAN_ROUTER": router.address,
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_BASE": telegram.base_url,
            "TELEGRAM_WEBHOOK_SECRET": "s3cret",
            "TELEGRAM_WEBHOOK_PATH_SECRET": "p4th-s3cret",
            "ALLOWED_CHAT_IDS": f"{ADA},{FORUM}",
        }
    )
    rate_limits = RateLimits(Pace(router.time, sleepers))
    session = Hurried(hangs, router.time, sleepers) if hangs else None
    client = TelegramClient(telegram.token, telegram.base_url, rate_limits, session)
    bot = Platform("telegram", webhook, partial(start_courier, rate_limits=rate_limits, client=client))
    courier = Courier(settings, (bot, WEB))
    courier.start()
    try:
        yield
    finally:
        sleepers.over.set()
        courier.stop()
        assert not courier.failed


def plot() -> bytes:
    """A picture."""
    return png(64, 48)


def _chat(chat_id: int, message: Message | None = None) -> types.ChatRef:
    message_id = str(message.message_id) if message else ""
    return types.ChatRef(transport="telegram", chat_id=str(chat_id), message_id=message_id)
