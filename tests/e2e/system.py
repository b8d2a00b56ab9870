"""The whole product as a person runs it: `pointsman up`, a stand-in for Telegram, tmux panes that record input."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import psutil
import requests
from agentlink.v1 import control_pb2, session_events_pb2, types_pb2
from agentlink.v1.control_pb2_grpc import ControlStub

from pointsman.client import convert
from pointsman.client.records import Session
from pointsman.render import json_line
from tests.fakes.telegram import TOKEN, TelegramStandIn
from tests.ports import free_port
from tests.programs import needed
from tests.waiting import PATIENCE, NeverHappened, wait_until

CHAT = 4711
POINTSMAN = (sys.executable, "-I", "-m", "pointsman")
# One line a command, on disk before the next is read: what was typed, in order.
RECORDER = """
import os, sys
record = open(sys.argv[1], "ab", buffering=0)
print("READY", flush=True)
for line in sys.stdin:
    record.write(line.encode())
    os.fsync(record.fileno())
"""


READY = 90.0  # seconds; four programs begin at once, and eight others may have the cores


class System:
    """`pointsman up` on free ports, and the doors to it."""

    def __init__(self, folder: Path, telegram: TelegramStandIn, launcher: Sequence[str] = (), **settings: str) -> None:
        self.data = folder / "data"
        self.telegram = telegram
        self._folder = folder
        self._log = folder / "up.log"
        self._tmux = f"pm-{os.getpid()}-{folder.name}"
        self._launcher = launcher
        self._settings = settings
        self.router = self.console = ""

    # --- life ---

    def start(self) -> None:
        environ = self.environ() | {
            # Nobody takes them while a program that was killed is away.
            "POINTSMAN_ROUTER_LISTEN": f"127.0.0.1:{free_port()}",
            "POINTSMAN_HTTP_LISTEN": f"127.0.0.1:{free_port()}",
            "POINTSMAN_MACHINE_ID": "devbox",
            "TELEGRAM_BOT_TOKEN": self.telegram.token,
            "TELEGRAM_API_BASE": self.telegram.base_url,
            "ALLOWED_CHAT_IDS": str(CHAT),
        }
        with self._log.open("w") as log:
            argv = [*self._launcher, *POINTSMAN, "up", "--verbose"]
            self._up = subprocess.Popen(
                argv, env=environ | self._settings, stdout=subprocess.PIPE, stderr=log, text=True, cwd="/"
            )
        assert self._up.stdout is not None
        self._output = threading.Thread(target=self._drain)
        self._lines: list[str] = []
        self._output.start()
        try:
            line = wait_until(lambda: next((x for x in self._lines if x.startswith("ready up")), ""), READY)
        except NeverHappened:
            self._end()  # else whoever waits for its output waits for ever
            raise
        self.router, self.console = line.split()[2:4]
        self._channel = grpc.insecure_channel(self.router)
        self._control = ControlStub(self._channel)

    def stop(self) -> int:
        self._channel.close()
        return self._end()

    def _end(self) -> int:
        self._up.send_signal(signal.SIGTERM)
        code = self._up.wait(READY)
        self._output.join()
        assert self._up.stdout is not None
        self._up.stdout.close()
        if shutil.which("tmux"):
            subprocess.run(["tmux", "-L", self._tmux, "kill-server"], capture_output=True)
        return code

    def log(self) -> str:
        return self._log.read_text() + "".join(self._lines)

    def account(self) -> str:
        """What it knew, what the phone shows, and the end of its log: for whoever reads of a failure."""
        argv = [*POINTSMAN, "export", "--router", self.router]
        known = subprocess.run(argv, env=self.environ(), capture_output=True, text=True, cwd="/")
        shown = "".join(f"{one.message_id} {one.text!r}\n" for one in self.telegram.bot_messages()[-10:])
        return "\n".join([known.stdout + known.stderr, shown, self.log()[-4000:]])

    def environ(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {"POINTSMAN_DATA_DIR": str(self.data), "LC_ALL": "C.UTF-8"}

    def programs(self, name: str) -> list[psutil.Process]:
        """The running children of `up` of that name."""
        found = []
        for child in psutil.Process(self._up.pid).children(recursive=True):
            try:
                if child.cmdline()[-1:] == [name]:
                    found.append(child)
            except psutil.Error:
                continue
        return found

    @property
    def pid(self) -> int:
        return self._up.pid

    def kill(self, name: str) -> None:
        """kill -9 a program; returns when the supervisor has another one running."""
        old = self.programs(name)[0]
        old.send_signal(signal.SIGKILL)
        wait_until(lambda: [p for p in self.programs(name) if p.pid != old.pid], 20)

    # --- doors ---

    def cli(self, *argv: str, **environ: str) -> Any:
        """A `pointsman` command's JSON, or its text."""
        env = self.environ() | {"POINTSMAN_ROUTER": self.router} | environ
        done = subprocess.run([*POINTSMAN, *argv], env=env, capture_output=True, text=True, cwd="/", timeout=60)
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout) if "--json" in argv else done.stdout.strip()

    def fails(self, *argv: str) -> str:
        """What a `pointsman` command says that does not succeed."""
        env = self.environ() | {"POINTSMAN_ROUTER": self.router}
        done = subprocess.run([*POINTSMAN, *argv], env=env, capture_output=True, text=True, cwd="/", timeout=60)
        assert done.returncode, done.stdout
        return done.stdout + done.stderr

    @property
    def api_key(self) -> str:
        return (self.data / "api_key").read_text().strip()

    def rest(self, method: str, path: str, body: Any = None, key: str | None = None) -> requests.Response:
        headers = {"X-API-Key": self.api_key if key is None else key}
        return requests.request(method, self.console + path, json=body, headers=headers, timeout=30)

    def webhook(self, update: Any, *, secret: str | None = None, path: str | None = None) -> requests.Response:
        """Post an update as Telegram does."""
        path = path or (self.data / "telegram_webhook_path_secret").read_text().strip()
        secret = secret or (self.data / "telegram_webhook_secret").read_text().strip()
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret, "Content-Type": "application/json"}
        data = update if isinstance(update, bytes) else json.dumps(update).encode()
        return requests.post(f"{self.console}/webhook/telegram/{path}", data, headers=headers, timeout=30)

    def replies(self, updates: list[Any]) -> None:
        """Post updates in order, each until it is answered 200, as Telegram does for one chat."""
        pause = threading.Event()
        for update in updates:
            while not _answered(self, update):
                pause.wait(0.05)

    def delivered(self, message_id: int) -> None:
        """Wait until the router knows that this message came: from then on a reply to it finds its session."""
        wait_until(lambda: any(str(message_id) in one.message_ids for one in self._notifications()), 40)

    def all_delivered(self) -> None:
        """Wait until everything said has become a message, and the router knows which."""
        states = {types_pb2.NOTIFICATION_STATE_DELIVERED}
        wait_until(lambda: {one.state for one in self._notifications()} == states, 60)

    def _notifications(self) -> Sequence[types_pb2.Notification]:
        """Asked on one connection: a command line each time would take the cores from what is waited for."""
        try:
            return self._control.ListNotifications(
                control_pb2.ListNotificationsRequest(), metadata=self._metadata, timeout=5
            ).notifications
        except grpc.RpcError:
            return ()  # it was killed, and is not back yet

    def events(self, session_id: str) -> list[session_events_pb2.SessionEvent]:
        """What a session did, as far as it is kept."""
        request = control_pb2.WatchSessionRequest(session_id=session_id, once=True)
        return [one.event for one in self._control.WatchSession(request, metadata=self._metadata, timeout=30)]

    def saying(self, text: str) -> list[str]:
        """What the only session is heard saying, while it says it, when it is sent a text."""
        [session] = self.cli("sessions", "--json")
        name = session["sessionId"]
        request = control_pb2.WatchSessionRequest(session_id=name, after_seq=self.events(name)[-1].seq, deltas=True)
        call = self._control.WatchSession(request, metadata=self._metadata, timeout=60)
        call.initial_metadata()
        self.rest("POST", "/commands", {"sessionId": name, "text": text})
        found = []
        for one in call:
            if one.event.said.by == session_events_pb2.SPEAKER_ASSISTANT:
                break
            found += [one.delta.text] if one.HasField("delta") else []
        call.cancel()  # type: ignore[no-untyped-call]
        return found

    def sessions(self, *, ended: bool = False) -> list[dict[str, Any]]:
        """What `pointsman sessions --json` tells, for whoever asks until something is so; on one connection."""
        request = control_pb2.ListSessionsRequest(include_ended=ended)
        found = self._control.ListSessions(request, metadata=self._metadata, timeout=30, wait_for_ready=True).sessions
        return list(json.loads(json_line(convert.read_all(Session, found))))

    def wait_for_machine(self, machine_id: str, *, connected: bool) -> None:
        """Wait until the router believes that a machine is connected, or that it is not."""
        wait_until(lambda: self.is_connected(machine_id) is connected, 30)

    def is_connected(self, machine_id: str) -> bool | None:
        """As the router believes; None where it knows no such machine."""
        request = control_pb2.ListMachinesRequest()
        machines = self._control.ListMachines(request, metadata=self._metadata, timeout=5).machines
        return next((one.connected for one in machines if one.machine_id == machine_id), None)

    @property
    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-api-key", self.api_key),)

    # --- sessions ---

    def pane(self, name: str, *, environ: dict[str, str] | None = None) -> "Pane":
        """A tmux pane that records, made a session."""
        needed("tmux")
        record = self._folder / f"{name}.txt"
        record.touch()
        program = self._folder / "recorder.py"
        program.write_text(RECORDER)
        tmux = ["tmux", "-L", self._tmux, "-f", "/dev/null"]
        argv = [*tmux, "new-session", "-d", "-s", name, "-x", "200", "-y", "50"]
        subprocess.run([*argv, sys.executable, "-u", str(program), str(record)], check=True, env=self.environ())
        subprocess.run([*tmux, "set", "-t", name, "remain-on-exit", "on"], check=True)
        show = [*tmux, "capture-pane", "-p", "-t", name]
        wait_until(lambda: "READY" in subprocess.run(show, capture_output=True, text=True).stdout)
        subprocess.run([*tmux, "send-keys", "-t", name, ""], check=True)
        socket = subprocess.run([*tmux, "display", "-p", "#{socket_path}"], capture_output=True, text=True).stdout
        session = self.cli(
            "session", "register", "--tmux", name, "--label", name, TMUX=socket.strip() + ",0,0", **(environ or {})
        )
        wait_until(lambda: name in [one["label"] for one in self.rest("GET", "/sessions").json()])
        return Pane(session.split()[-1], record)

    def _drain(self) -> None:
        assert self._up.stdout is not None
        for line in self._up.stdout:
            self._lines.append(line)


class Pane:
    """A session and the file with what was typed into it."""

    def __init__(self, session_id: str, record: Path) -> None:
        self.session_id = session_id
        self._record = record

    def typed(self) -> list[str]:
        return self._record.read_text().splitlines()

    def wait_for(self, count: int, deadline: float = PATIENCE) -> list[str]:
        wait_until(lambda: len(self.typed()) >= count, deadline)
        return self.typed()


def _answered(system: System, update: Any) -> bool:
    try:
        return system.webhook(update).status_code == 200
    except requests.RequestException:
        return False


def at_once(count: int, call: Any) -> list[Any]:
    """The answers of so many calls made at the same time."""
    with ThreadPoolExecutor(count) as pool:
        barrier = threading.Barrier(count)
        return list(pool.map(lambda _: (barrier.wait(), call())[1], range(count)))


@contextmanager
def running(folder: Path, launcher: Sequence[str] = (), **settings: str) -> Iterator[System]:
    """The product for the time of a block; `launcher` is what stands before its command line."""
    with TelegramStandIn(seed=7) as telegram:
        telegram.add_chat(CHAT)
        system = System(folder, telegram, launcher, **settings)
        system.start()
        try:
            yield system
        finally:
            system.stop()


def message(update_id: int, text: str, *, reply_to: int = 0, chat: int = CHAT, user: int = CHAT) -> dict[str, Any]:
    """An update with a message of a person."""
    body: dict[str, Any] = {
        "message_id": 100_000 + update_id,
        "date": 1_770_000_000,
        "from": {"id": user, "is_bot": False, "first_name": "Ada"},
        "chat": {"id": chat, "type": "private" if chat > 0 else "group", "first_name": "Ada"},
        "text": text,
    }
    if reply_to:
        author = {"id": int(TOKEN.partition(":")[0]), "is_bot": True, "first_name": "Bot"}
        replied = {"message_id": reply_to, "date": 1_770_000_000, "from": author, "chat": body["chat"], "text": "…"}
        body["reply_to_message"] = replied
    return {"update_id": update_id, "message": body}


def press(update_id: int, message_id: int, data: str, *, chat: int = CHAT) -> dict[str, Any]:
    """An update with a pressed button."""
    held = {"message_id": message_id, "date": 1_770_000_000, "chat": {"id": chat, "type": "private"}, "text": "…"}
    person = {"id": chat, "is_bot": False, "first_name": "Ada"}
    query = {"id": str(update_id), "from": person, "message": held, "chat_instance": "1", "data": data}
    return {"update_id": update_id, "callback_query": query}
