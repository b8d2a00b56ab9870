"""What the console needs of the router and of the settings."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol

from pointsman.client.answer_rules import AnswerRule
from pointsman.client.deferred import Deferred, DeferredChange, DeferredTask, Occurrences
from pointsman.client.join_tokens import NewJoinToken
from pointsman.client.notes import Note
from pointsman.client.people_records import Ladder
from pointsman.client.permission_records import Permission
from pointsman.client.records import (
    Chat,
    Command,
    CommandState,
    DeadLetters,
    Event,
    Machine,
    Notification,
    Origin,
    Session,
    SessionEvent,
    Stats,
    TraceStep,
)
from pointsman.client.search import SearchHit
from pointsman.client.session_events import Saying
from pointsman.client.workspaces import Workspace, WorkspaceDecision
from webhook_adapter.console.push import Pushes
from webhook_adapter.model import Browser, Shown, Submission, Submitted


class ConsoleSettings(Protocol):
    """The adapter's settings, as far as the console looks."""

    @property
    def api_key(self) -> str:
        """The adapter's own API key: links and cookies are signed with what is derived from it."""

    @property
    def router(self) -> str:
        """host:port of the router, as the adapter reaches it."""

    @property
    def calls_a_second(self) -> int:
        """That a browser may make."""

    @property
    def trusted_proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """They are believed for whom they speak."""


class ConsoleControl(Protocol):
    """What can be asked of the router with the adapter's own key. Every method raises RouterError."""

    def machines(self) -> Sequence[Machine]:
        """All machines, by name."""

    def sessions(self, *, include_ended: bool) -> Sequence[Session]:
        """In the order of their registration."""

    def commands(
        self, *, session_id: str = "", states: tuple[CommandState, ...] = (), limit: int, before: str = ""
    ) -> Sequence[Command]:
        """Newest first; of all sessions and in all states unless given, from the one before `before` on."""

    def dead_letters(self, limit: int) -> DeadLetters:
        """Commands that wait for a person, newest first."""

    def words(self, *, session_id: str = "", limit: int, before: str = "") -> Sequence[Notification]:
        """What was said, without status messages: newest first, to all platforms; of all sessions unless given."""

    def last_words(self) -> Sequence[Notification]:
        """The last thing each session said, without status messages, and only its beginning, as it is now."""

    def open_questions(self, session_id: str) -> Sequence[Notification]:
        """What shows the open permission questions of a session, or of all, on all platforms."""

    def permissions(self, session_id: str = "", permission_id: str = "", limit: int = 0) -> Sequence[Permission]:
        """Open permission questions, newest first."""

    def watch(self, session_id: str = "", after: int | None = None) -> Iterator[Event]:
        """The steps of commands and messages, after one or from now on; ends only by a RouterError."""

    def session_events(
        self,
        session_id: str,
        after: int = 0,
        *,
        last: int = 0,
        wait: timedelta = timedelta(),
        saying: Saying | None = None,
    ) -> Iterator[SessionEvent]:
        """What a session did after that event, of that the newest `last`; with `wait` what it does until then.

        `saying` hears what it says meanwhile, as it says it.
        """

    def search(
        self, words: str, session_id: str = "", *, limit: int = 20, before: int = 0
    ) -> tuple[Sequence[SearchHit], int]:
        """What was said with all of these words, newest first, and where to go on."""

    def notes(self, *, query: str, waiting: bool, limit: int, before: int, login_id: str) -> Sequence[Note]:
        """Notes that whoever has this browser may see: the newest first, or with any of the words the best first."""

    def workspaces(self, *, login_id: str) -> Sequence[Workspace]:
        """Those that are not gone and that whoever has this browser reaches, what changed last first."""

    def say_workspace_over(self, key: str, *, over: bool, request: str, login_id: str) -> Workspace:
        """What one is for is over, or is not after all."""

    def sweep_workspaces(self, *, dry_run: bool, request: str, login_id: str) -> Sequence[WorkspaceDecision]:
        """What the janitor does with each, or would."""

    def keep_note(self, number: int, *, request: str, login_id: str) -> None:
        """Let one be known that a session's program wanted."""

    def forget(self, number: int, *, request: str, login_id: str) -> None:
        """Remove one for good."""

    def audience(self, session_id: str) -> tuple[Sequence[Chat], Sequence[Chat]]:
        """Who hears of a session, and which chats that want messages do not."""

    def follow_session(
        self, session_id: str, chats: Sequence[Chat] = (), *, request: str | None = None
    ) -> Sequence[Chat]:
        """Let chats hear of a session."""

    def unfollow_session(
        self, session_id: str, chats: Sequence[Chat] = (), *, request: str | None = None
    ) -> Sequence[Chat]:
        """Let them hear of it no more."""

    def ladder(self, person_id: str = "", wanted: str = "", concerns: str = "", *, login_id: str = "") -> Ladder:
        """How whoever is at that browser is asked again, and about what beside questions: set where it is given."""

    def summary(self, chat: Chat, at: str = "", *, request: str | None = None) -> str:
        """When a chat is told each day how its sessions stand; set where it is given."""

    def rules(self, session_id: str = "", *, include_over: bool = False) -> Sequence[AnswerRule]:
        """The rules that hold, newest first."""

    def end_rule(self, rule_id: str, *, request: str | None = None, origin: Origin | None = None) -> AnswerRule:
        """End one, at once."""

    def screen(self, session_id: str) -> str:
        """What the terminal of a session shows now."""

    def notification(self, notification_id: str) -> Notification:
        """A notification by its id, of any session and platform."""

    def trace(self, subject_id: str) -> Sequence[TraceStep]:
        """Oldest first."""

    def stats(self) -> Stats:
        """The router's figures."""

    def send_key(self, session_id: str, key: str, *, request: str, origin: Origin) -> Command:
        """Press a named key in a session; once for each request id."""

    def start(
        self, prompt: str, machine_id: str, folder: str, *, agent: str = "", request: str, origin: Origin
    ) -> Command:
        """Start a session; once for each request id. Gives its first command."""

    def cancel(self, command_id: str, *, request: str) -> Command:
        """Take a command back."""

    def redrive(self, command_id: str, session_id: str, *, request: str) -> Command:
        """Repeat an ended command as a new one; an empty session id keeps the old session."""

    def rename(self, session_id: str, label: str, *, request: str) -> Session:
        """Give a session a name that its machine does not change; an empty one takes it back."""

    def stop(self, session_id: str, *, request: str, origin: Origin) -> Command:
        """End a session that its machine runs without a terminal."""

    def deferred(self, session_id: str = "", *, include_over: bool = False, limit: int = 0) -> Sequence[Deferred]:
        """What waits to be done later, the next first."""

    def occurrences(
        self, until: datetime, since: datetime | None = None, zone: str = "", session_id: str = ""
    ) -> Occurrences:
        """When what waits is done, until then."""

    def defer(
        self,
        when: str,
        text: str,
        task: DeferredTask = DeferredTask.TEXT,
        session_id: str = "",
        *,
        machine_id: str = "",
        folder: str = "",
        zone: str = "",
        request: str | None = None,
        origin: Origin | None = None,
        login_id: str = "",
    ) -> Deferred:
        """Keep something for later, as whoever is at that browser wants it; once for each request id."""

    def continue_then(
        self, session_id: str, *, request: str | None = None, origin: Origin | None = None, login_id: str = ""
    ) -> Deferred:
        """Let a session go on when its usage limit is over."""

    def cancel_deferred(self, deferred_id: str, *, request: str | None = None) -> Deferred:
        """Take it back for good."""

    def change_deferred(
        self, deferred_id: str, change: DeferredChange, when: str = "", zone: str = "", *, request: str | None = None
    ) -> Deferred:
        """Let it pause, go on, be done now, or have another time."""

    def drop(self, command_id: str, *, request: str) -> Command:
        """Take a dead letter off the list."""

    def create_join_token(self, machine_id: str) -> NewJoinToken:
        """An empty machine id lets the machine choose its name."""


class BrowserLogins(Protocol):
    """Who is let in, as the router keeps it. Every method raises RouterError."""

    def open_browser(self, login_id: str, lifetime: float, shown: Shown, label: str) -> None:
        """Let a browser in for so many seconds, and use up what it showed: a used link is FAILED_PRECONDITION."""

    def browser(self, login_id: str) -> Browser:
        """Whether a browser is let in, or was let in with this link."""

    def close_browser(self, login_id: str) -> None:
        """Let it in no more."""

    def is_admin(self, api_key: str) -> bool:
        """Whether a key may do everything."""


class ConsoleRouter(BrowserLogins, Pushes, Protocol):
    """The router: RouterClient, or a test's own."""

    @property
    def own(self) -> ConsoleControl:
        """Control with the adapter's own key."""

    def report_refusal(self, door: str, peer: str) -> None:
        """Let the audit know of somebody who was refused. Raises RouterError."""

    def mark_read(self, login_id: str, session_id: str, notification_id: str) -> None:
        """Somebody has read what a session said, up to that notification. Raises RouterError."""

    def read_marks(self, login_id: str) -> dict[str, str]:
        """The newest notification that a browser's person has read, by session. Raises RouterError."""

    def file_parts(self, notification_id: str, file_id: str) -> Iterable[bytes]:
        """The bytes of a notification's file. Raises RouterError, also on the way."""

    def begin_passkey(self, login_id: str, *, code: str = "", notification_id: str = "") -> str:
        """What a browser is to be told, as JSON: to make a passkey, or to allow a question. Raises RouterError."""

    def add_passkey(self, login_id: str, code: str, credential: str) -> None:
        """Hand in a passkey that a browser has made. Raises RouterError."""

    def put_file(self, file_id: str, number: int, data: bytes) -> None:
        """Hand in a part of a file. Raises RouterError."""

    def submit(self, submission: Submission) -> Submitted:
        """Hand in what a person wrote or pressed; once for each update key. Raises RouterError."""
