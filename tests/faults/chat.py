"""The door for people: Telegram's stand-in, the adapter's two programs, and who writes and reads there."""

import itertools
import json
import re
import threading
import time
from dataclasses import replace

import grpc
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_state import Message
from tests.faults.kills import Death, all_die, recoveries
from tests.faults.load import AGAIN, CALL, METADATA
from tests.faults.processes import Process
from tests.faults.table import Row
from tests.faults.world import World
from tests.ports import free_port
from tests.waiting import wait_until
from webhook_adapter.transports.telegram.client import TelegramClient

FIRST_CHAT = 4711
SPEED = 20.0  # of the stand-in's clock: it tries again sooner than Telegram would
PATH_SECRET, HEADER_SECRET = "faults-path", "faults-header"
WAITING = 10  # messages of one chat on their way, at most
PATIENCE = 90.0
NOTICE = re.compile(r"told-\S+?-end")


class Chat:
    """One private chat for each session of the world, and the adapter that serves them."""

    def __init__(self, world: World, seed: int, *, speed: float = SPEED, limits: bool = False) -> None:
        """`speed` of the stand-in's clock, `limits` whether it applies Telegram's."""
        self.world = world
        self.telegram = TelegramStandIn(seed=seed, speed=speed, limits=limits, webhook_timeout_s=5.0).start()
        self.chats = {session: FIRST_CHAT + n for n, session in enumerate(world.sessions)}
        for chat in self.chats.values():
            self.telegram.add_chat(chat)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        settings = {
            "POINTSMAN_ROUTER": world.door_wire.address,
            "POINTSMAN_HTTP_LISTEN": f"127.0.0.1:{port}",
            "POINTSMAN_PUBLIC_URL": url,
            "TELEGRAM_BOT_TOKEN": self.telegram.token,
            "TELEGRAM_API_BASE": self.telegram.base_url,
            "TELEGRAM_WEBHOOK_SECRET": HEADER_SECRET,
            "TELEGRAM_WEBHOOK_PATH_SECRET": PATH_SECRET,
            "ALLOWED_CHAT_IDS": ",".join(map(str, self.chats.values())),
        }
        self.http = ProgramVictim(world, "http", settings)
        self.courier = ProgramVictim(world, "courier", settings)
        client = TelegramClient(self.telegram.token, self.telegram.base_url)
        hook = {"url": f"{url}/webhook/telegram/{PATH_SECRET}", "secret_token": HEADER_SECRET}
        client.call("setWebhook", hook)
        client.close()

    def __enter__(self) -> "Chat":
        self.http.start("", 0)
        self.courier.start("", 0)
        return self

    def __exit__(self, *_: object) -> None:
        self.http.kill()
        self.courier.kill()
        self.telegram.stop()

    def notify(self, session: str, text: str, *buttons: types.Button) -> str:
        """Tell the session's chat something; tried until the router has it. Raises what is for good. Its id."""
        target = types.ChatRef(transport="telegram", chat_id=str(self.chats[session]))
        request = pb.NotifyRequest(session_id=session, text=text, buttons=buttons, targets=[target], request_id=text)
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self.world.door.control.Notify(request, metadata=METADATA, timeout=CALL)
                return answer.notifications[0].notification_id
            except grpc.RpcError:
                if time.monotonic() > ends:
                    raise
            threading.Event().wait(AGAIN)

    def is_delivered(self, notification_id: str) -> bool:
        """Whether the router knows the message that it became."""
        request = pb.GetNotificationRequest(notification_id=notification_id)
        answer = self.world.door.control.GetNotification(request, metadata=METADATA, timeout=CALL)
        return bool(answer.notification.state == types.NOTIFICATION_STATE_DELIVERED)

    def kill_http(self, deaths: list[Death]) -> Row:
        """kill -9 the HTTP program while people reply; Telegram tries again what was not answered 200."""
        since = time.monotonic()
        with Replies(self, f"{since:.3f}"):
            strikes = all_die([self.http], deaths)
        wait_until(lambda: not self.telegram.pending_updates, PATIENCE)
        posts = self._note_accepted(since)
        self.world.drain()
        verdict = self.world.verdict(since)
        remarks = [f"{posts} posts for {verdict.accepted} updates"]
        return Row("kill -9 adapter", len(strikes), verdict, back=recoveries(self.world, strikes), remarks=remarks)

    def kill_courier(self, deaths: list[Death]) -> Row:
        """kill -9 the courier while sessions notify people: a message may come twice, and is never lost."""
        with Notices(self, f"{time.monotonic():.3f}") as notices:
            strikes = all_die([self.courier], deaths)
        wait_until(lambda: not notices.sent - set(self._told()), PATIENCE)
        told = [text for text in self._told() if text in notices.sent]
        remarks = [f"{len(notices.sent)} notifications, {len(told) - len(notices.sent)} came again"]
        return Row("kill -9 courier", len(strikes), remarks=remarks)

    def _told(self) -> list[str]:
        return [told for message in self.telegram.bot_messages() for told in NOTICE.findall(message.text)]

    def _note_accepted(self, since: float) -> int:
        """Enter what was answered 200; returns how many posts that took."""
        attempted = {entry["text"]: entry for entry in self.world.journal.read("attempted", since=since)}
        posts = 0
        for delivery in self.telegram.deliveries:
            entry = attempted.get(json.loads(delivery.body)["message"]["text"])
            posts += entry is not None
            if entry is not None and delivery.taken:
                place = {key: entry[key] for key in ("session", "text", "sequence")}
                self.world.journal.note("accepted", **place)
        return posts


class ProgramVictim:
    """One of the adapter's programs."""

    machines: tuple[str, ...]

    def __init__(self, world: World, program: str, settings: dict[str, str]) -> None:
        self.machines = tuple(machine.name for machine in world.machines) if program == "http" else ()
        self._life = world.life(program, world.folder / f"{program}-{time.monotonic():.6f}", **settings)
        self._process: Process | None = None

    @property
    def sentinel(self) -> int:
        assert self._process is not None
        return self._process.sentinel

    def start(self, point: str, passes: int) -> None:
        self._process = Process(replace(self._life, point=point, passes=passes))
        self._process.ready()

    def is_dead(self) -> bool:
        """Whether it has died of itself."""
        return self._process is not None and self._process.dead(0)

    def strike(self) -> None:
        """kill -9, now; whoever looks finds it dead."""
        assert self._process
        self._process.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


class Replies:
    """People: one in each chat, who replies to the session's one notification again and again."""

    def __init__(self, chat: Chat, run: str) -> None:
        self._chat = chat
        self._run = run
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._reply, args=(session,)) for session in chat.chats]

    def __enter__(self) -> "Replies":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _reply(self, session: str) -> None:
        about, telegram = self._question(session), self._chat.telegram
        for number in itertools.count(1):
            text = f"{self._run} {session} {number}"
            self._chat.world.journal.note("attempted", session=session, text=text, sequence=number)
            telegram.user_writes(text, reply_to=about)
            while not self._stopping.wait(0.02) and len(telegram.pending_updates) > WAITING:
                pass
            if self._stopping.is_set():
                return

    def _question(self, session: str) -> Message:
        text = f"{self._run} {session} go on?"
        notification_id = self._chat.notify(session, text)
        wait_until(lambda: self._chat.is_delivered(notification_id), PATIENCE)  # nobody replies faster than that
        return self._chat.telegram.wait_for_message(text, chat_id=self._chat.chats[session], deadline=PATIENCE)


class Notices:
    """Sessions that tell their people something again and again."""

    def __init__(self, chat: Chat, run: str) -> None:
        self._chat = chat
        self._run = run
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._tell, args=(session,)) for session in chat.chats]
        self.sent: set[str] = set()

    def __enter__(self) -> "Notices":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _tell(self, session: str) -> None:
        for number in itertools.count(1):
            text = f"told-{self._run}-{session}-{number}-end"
            self._chat.notify(session, text)
            self.sent.add(text)
            if self._stopping.wait(0.3):
                return
