"""Not the real router, which a page in a browser cannot be shown at each moment: records in memory, for the console."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pointsman.client.errors import RouterError
from pointsman.client.join_tokens import NewJoinToken
from pointsman.client.records import (
    Button,
    Chat,
    Command,
    CommandState,
    DeadLetters,
    Machine,
    Notification,
    NotificationFile,
    NotificationState,
    Origin,
    Session,
    SessionState,
    Stats,
    TraceStep,
)
from tests.rigs.console_audience import FakeAudience
from tests.rigs.console_events import FakeEvents
from tests.rigs.console_notes import FakeNotes
from tests.rigs.console_pushes import FakePushes
from tests.rigs.console_workspaces import FakeWorkspaces
from webhook_adapter.model import Browser, Shown, Submission, Submitted

LIVE = (CommandState.QUEUED, CommandState.SENT, CommandState.RECEIVED)
WAITING = (CommandState.DEAD, CommandState.UNCERTAIN)
MARKS = {CommandState.SENT: "sent_at", CommandState.RECEIVED: "received_at", CommandState.DONE: "typed_at"}


def _number(made_id: str) -> int:
    """Where something stands in the order of making: ids end in it."""
    return int(made_id.rpartition("-")[2])


def a_session(session_id: str, machine_id: str = "devbox", **given: object) -> Session:
    born = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    blank = Session(session_id, machine_id, session_id, "pty", "~/src/api", SessionState.IDLE, 1, True, born, born)
    return replace(blank, **given)  # type: ignore[arg-type]


def a_command(command_id: str, session_id: str, text: str, **given: object) -> Command:
    made = (
        command_id,
        session_id,
        "devbox",
        1,
        text,
        "",
        CommandState.QUEUED,
        "",
        "",
        0,
        "web",
        "web:console",
        "",
        False,
    )
    return replace(Command(*made, *(None,) * 7), **given)  # type: ignore[arg-type]


class FakeControl(FakeEvents, FakeNotes, FakeWorkspaces, FakeAudience):
    """Control over the values in its dictionaries, which tests may set. Time goes on by a second at each step."""

    def __init__(self, now: datetime | None = None) -> None:
        super().__init__()
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._now = now or datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
        self._repeats: dict[str, Command] = {}
        self.known_machines: list[Machine] = []
        self.started_agents: list[str] = []
        self.known_commands: dict[str, Command] = {}
        self.known_notifications: list[Notification] = []
        self.known_steps: list[TraceStep] = []
        self.join_tokens: list[str] = []

    def tick(self, seconds: float = 1.0) -> datetime:
        self._now += timedelta(seconds=seconds)
        return self._now

    def add_machine(self, machine_id: str, *start_folders: str, connected: bool = True) -> None:
        machine = Machine(
            machine_id, connected, False, False, "0.1.0", self._now, self._now, start_folders, key_made_at=self._now
        )
        self.known_machines.append(machine)

    def add_session(self, session: Session) -> None:
        self.known_sessions.append(session)

    def say(
        self, session_id: str, text: str, *choices: Button, transport: str = "web", permission_id: str = ""
    ) -> Notification:
        number = next(self._numbers)
        at = self.tick()
        said = Notification(
            notification_id=f"note-{number}",
            session_id=session_id,
            chat=Chat(transport, "console"),
            text=text,
            buttons=choices,
            token=f"T{number}",
            state=NotificationState.DELIVERED,
            detail="",
            message_ids=(),
            command_id="",
            attempt=1,
            created_at=at,
            delivered_at=at,
            permission_id=permission_id,
        )
        self.known_notifications.append(said)
        self.happened()
        return said

    def accept(self, session_id: str, text: str = "", **given: object) -> Command:
        with self._lock:
            session = self._session(session_id)
            made = a_command(f"cmd-{next(self._numbers)}", session_id, text, machine_id=session.machine_id)
            made = replace(made, created_at=self.tick(), **given)  # type: ignore[arg-type]
            self.known_commands[made.command_id] = made
            self._note(made, "accepted", "", made.state.value)
            return made

    def bring(self, command_id: str, *states: CommandState, reason: str = "", detail: str = "") -> Command:
        """Let a command get further, one state after the other."""
        for state in states:
            self._bring_one(command_id, state, reason, detail)
        return self.known_commands[command_id]

    def _bring_one(self, command_id: str, state: CommandState, reason: str, detail: str) -> None:
        with self._lock:
            old, at = self.known_commands[command_id], self.tick()
            marks = {MARKS[state]: at} if state in MARKS else {}
            ended = {} if state in LIVE else {"ended_at": at, "reason": reason, "detail": detail}
            self.known_commands[command_id] = replace(old, state=state, **marks, **ended)  # type: ignore[arg-type]
            self._note(old, state.value.lower(), old.state.value, state.value)

    def mark(self, command_id: str, *marks: str) -> None:
        """taken_at, finished_at."""
        with self._lock:
            times = {mark: self.tick() for mark in marks}
            self.known_commands[command_id] = replace(self.known_commands[command_id], **times)  # type: ignore[arg-type]
        self.happened()

    def machines(self) -> list[Machine]:
        self._refuse()
        return sorted(self.known_machines, key=lambda one: one.machine_id)

    def sessions(self, *, include_ended: bool) -> list[Session]:
        self._refuse()
        return [one for one in self.known_sessions if include_ended or one.state is not SessionState.ENDED]

    def commands(
        self, *, session_id: str = "", states: tuple[CommandState, ...] = (), limit: int, before: str = ""
    ) -> list[Command]:
        self._refuse()
        found = [one for one in self._newest() if session_id in ("", one.session_id)]
        older = [one for one in found if not before or _number(one.command_id) < _number(before)]
        return [one for one in older if not states or one.state in states][:limit]

    def dead_letters(self, limit: int) -> DeadLetters:
        self._refuse()
        return DeadLetters([one for one in self._newest() if one.state in WAITING and not one.dropped][:limit], [])

    def words(self, *, session_id: str = "", limit: int, before: str = "") -> list[Notification]:
        self._refuse()
        found = [one for one in reversed(self.known_notifications) if session_id in ("", one.session_id)]
        older = [one for one in found if not before or _number(one.notification_id) < _number(before)]
        return [one for one in older if not one.command_id][:limit]

    def last_words(self) -> list[Notification]:
        self._refuse()
        last = {one.session_id: one for one in self.known_notifications if not one.command_id and not one.edits}
        return list(last.values())

    def open_questions(self, session_id: str) -> list[Notification]:
        """Of each question the first notification, as long as none without buttons came after it."""
        self._refuse()
        asked = [n for n in self.known_notifications if n.permission_id and session_id in ("", n.session_id)]
        closed = {one.permission_id for one in asked if not one.buttons}
        return [one for one in asked if one.permission_id not in closed]

    def notification(self, notification_id: str) -> Notification:
        self._refuse()
        for one in self.known_notifications:
            if one.notification_id == notification_id:
                return one
        raise RouterError("NOT_FOUND", f"there is no notification {notification_id}", "NOT_FOUND")

    def attach(self, said: Notification, *names: str) -> Notification:
        """Let a notification have files of 5 bytes."""
        changed = replace(said, files=tuple(NotificationFile(f"file-{name}", name, 5) for name in names))
        self.known_notifications[self.known_notifications.index(said)] = changed
        return changed

    def trace(self, subject_id: str) -> list[TraceStep]:
        self._refuse()
        found = [one for one in self.known_steps if one.subject_id == subject_id]
        if not found:
            raise RouterError("NOT_FOUND", "nothing is known under this id", "NOT_FOUND")
        return found

    def stats(self) -> Stats:
        self._refuse()
        states = [one.state.value for one in self._newest() if not one.dropped]
        counts = {state: states.count(state) for state in set(states)}
        return Stats(counts, {}, 0.0, 1, 1, 1, 0.0, 0, 0, True, 1.0, "0.1.0")

    def send_key(self, session_id: str, key: str, *, request: str, origin: Origin) -> Command:
        return self._once(request, session_id, "", key=key, source=origin.source)

    def start(
        self, prompt: str, machine_id: str, folder: str, *, agent: str = "", request: str, origin: Origin
    ) -> Command:
        self._refuse()
        if request not in self._repeats:
            self.started_agents.append(agent)
            made = a_session(f"started-{next(self._numbers)}", machine_id, label=folder.rpartition("/")[2], cwd=folder)
            self.known_sessions.append(replace(made, state=SessionState.STARTING, backend="headless"))
            self._repeats[request] = self.accept(made.session_id, prompt, source=origin.source, actor=origin.actor)
        return self._repeats[request]

    def cancel(self, command_id: str, *, request: str) -> Command:  # noqa: ARG002
        self._refuse()
        return self.bring(command_id, CommandState.CANCELLED, reason="CANCELLED")

    def redrive(self, command_id: str, session_id: str, *, request: str) -> Command:
        old = self.known_commands[command_id]
        made = self._once(request, session_id or old.session_id, old.text, redrive_of=command_id)
        self.known_commands[command_id] = replace(old, dropped=True)
        return made

    def stop(self, session_id: str, *, request: str, origin: Origin) -> Command:
        return self._once(request, session_id, "", kind="stop_session", source=origin.source)

    def drop(self, command_id: str, *, request: str) -> Command:  # noqa: ARG002
        self._refuse()
        self.known_commands[command_id] = replace(self.known_commands[command_id], dropped=True)
        return self.known_commands[command_id]

    def create_join_token(self, machine_id: str) -> NewJoinToken:
        self._refuse()
        self.join_tokens.append(machine_id)
        return NewJoinToken("pmj_SAMPLE-TOKEN", self._now + timedelta(hours=1))

    def _once(self, request_id: str, session_id: str, text: str, **given: object) -> Command:
        self._refuse()
        with self._lock:
            if request_id not in self._repeats:
                self._repeats[request_id] = self.accept(session_id, text, **given)
            return self._repeats[request_id]

    def _newest(self) -> Iterator[Command]:
        return reversed(list(self.known_commands.values()))

    def _session(self, session_id: str) -> Session:
        for one in self.known_sessions:
            if one.session_id == session_id:
                return one
        raise RouterError("NOT_FOUND", f"there is no session {session_id}", "SESSION_UNKNOWN")

    def _note(self, command: Command, event: str, before: str, after: str) -> None:
        self.known_steps.append(TraceStep(self._now, command.command_id, event, before, after, command.actor, ""))
        self.happened()


class FakeRouter(FakePushes):
    """RouterClient's place: Control, and a door for messages that keeps every submission."""

    def __init__(self, now: datetime | None = None) -> None:
        super().__init__()
        self.own = FakeControl(now)
        self.submissions: list[Submission] = []
        self.refusals: list[tuple[str, str]] = []
        self.files: dict[str, list[bytes]] = {}  # parts by file id
        self.tells = ""  # words with which what is written is answered, instead of a command
        self._answers: dict[str, Submitted] = {}
        self.failure: RouterError | None = None  # of what is asked of browsers
        self.open_browsers: dict[str, tuple[str, str]] = {}  # and whose they are: name and role
        self.codes: dict[str, tuple[str, str]] = {}
        self.admin_keys: set[str] = set()
        self._known: set[str] = set()  # what was shown, and what links let in

    def open_browser(self, login_id: str, _lifetime: float, shown: Shown, _label: str) -> None:
        if self.failure is not None:
            raise self.failure
        if shown.link_id in self._known:
            raise RouterError("FAILED_PRECONDITION", "This login link was used before.", "ILLEGAL_STATE")
        if shown.code and shown.code not in self.codes:
            raise RouterError("PERMISSION_DENIED", "This code is unknown.", "PAIRING_CODE_INVALID")
        self._known |= {login_id, shown.link_id} - {""}
        self.open_browsers[login_id] = self.codes.pop(shown.code, ("", ""))

    def browser(self, login_id: str) -> Browser:
        who = self.open_browsers.get(login_id, ("", ""))
        return Browser(login_id in self.open_browsers, login_id in self._known, *who)

    def is_admin(self, api_key: str) -> bool:
        return api_key in self.admin_keys

    def begin_passkey(self, login_id: str, *, code: str = "", notification_id: str = "") -> str:
        why = f"{login_id} has no passkey for {code}{notification_id}"
        raise RouterError("FAILED_PRECONDITION", why, "ILLEGAL_STATE")

    def add_passkey(self, login_id: str, code: str, credential: str) -> None:
        raise RouterError("PERMISSION_DENIED", f"{login_id}: {code} adds no {credential}", "PAIRING_CODE_INVALID")

    def close_browser(self, login_id: str) -> None:
        self.open_browsers.pop(login_id, None)

    def report_refusal(self, door: str, peer: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.refusals.append((door, peer))

    def file_parts(self, _notification_id: str, file_id: str) -> Iterator[bytes]:
        if file_id not in self.files:
            raise RouterError("NOT_FOUND", "The file is not here any more.", "FILE_GONE")
        yield from self.files[file_id]

    def put_file(self, file_id: str, number: int, data: bytes) -> None:
        assert number == len(self.files.setdefault(file_id, []))
        self.files[file_id].append(data)

    def submit(self, submission: Submission) -> Submitted:
        if self.own.failure is not None:
            raise self.own.failure
        known = self._answers.get(submission.update_key)
        if known is not None:
            return replace(known, duplicate=True)
        self.submissions.append(submission)
        if submission.chat.transport == "push":
            return self.answered_push()
        text = submission.text or (submission.button or "").rpartition(":")[2]
        replied = [n for n in self.own.known_notifications if n.notification_id == submission.reply_to_message_id]
        wanted = replied[0].session_id if replied else submission.session_id
        if self.tells:
            return Submitted("", CommandState.UNKNOWN, "", self.tells, duplicate=False)
        made = self.own.accept(wanted, text)
        answer = Submitted(made.command_id, made.state, made.session_id, "", duplicate=False)
        return self._answers.setdefault(submission.update_key, answer)
