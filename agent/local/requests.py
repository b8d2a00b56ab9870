"""What programs on this machine may ask of the agent, one function each: fields in, fields out, Refusal for a no."""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agent.backends.joined.codex import window_by_itself
from agent.domain import codex_hook
from agent.domain.command import MAX_TEXT_BYTES, Reason
from agent.domain.errors import AgentError, Refusal
from agent.domain.frames import Button, Notify
from agent.domain.hook import HookEvent
from agent.domain.permission import Over
from agent.domain.session import Process, Session, SessionState, checked_id
from agent.link.client import LinkStatus
from agent.local.fields import Answer, Message, items_of, strings_of, text_of, texts_of
from agent.local.question import question_of
from agent.local.tools import Tools, is_asked
from agent.local.unheard import Unheard
from agent.processes import identify
from agent.services.gemini import GeminiHooks
from agent.services.hooks import Hooks
from agent.services.permissions import Asking, Permissions
from agent.services.sessions import Sessions
from agent.services.uploads import Uploads
from agent.store.inbox import Inbox
from agent.store.outbox import Outbox
from agent.token_files import environment

_PID = re.compile(r"[0-9]{1,10}")
_LATE = 2.0  # seconds by which the kernel may tell a start differently after the clock was set
MAX_BUTTONS = 8
MAX_BUTTON_LABEL = 64  # characters
MAX_BUTTON_ACTION = 43  # bytes: what a Telegram button has room for


class Link(Protocol):
    """The link to the router, for people who ask."""

    @property
    def status(self) -> LinkStatus:
        """Whether it is there now."""

    async def change_key(self) -> None:
        """Give this machine another key. Raises Refusal."""


@dataclass(frozen=True, slots=True)
class Requests:
    """The agent as its local socket shows it."""

    machine_id: str
    sessions: Sessions
    inbox: Inbox
    outbox: Outbox
    hooks: Hooks
    permissions: Permissions
    uploads: Uploads
    tools: Tools
    link: Link
    gemini: GeminiHooks
    workers: Path  # where the programs of sessions find their tokens
    unheard: Unheard
    catching_up: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def answer(self, message: Message) -> Answer:
        """Do what the message asks. Raises Refusal."""
        operations: dict[str, Callable[[Message], Awaitable[Answer]]] = {
            "register": self._register,
            "unregister": self._unregister,
            "sessions": self._list,
            "status": self._status,
            "rotate_key": self._rotate_key,
            "notify": self._notify,
            "hook": self._hook,
            "tool": self.tools.answer,
        }
        name = text_of(message, "op")
        if name not in operations:
            raise Refusal(Reason.INVALID_ARGUMENT, f"op {name[:40]!r} is none of {', '.join(sorted(operations))}.")
        return await operations[name](message)

    @staticmethod
    def asks(message: Message) -> bool:
        """Whether a person has to answer it, perhaps days later."""
        if message.get("op") == "hook":
            return _event(message).name == "PermissionRequest"
        return message.get("op") == "ask" or (message.get("op") == "tool" and is_asked(message))

    @staticmethod
    def over(message: Message) -> tuple[Over, str]:
        """What became of a question whose asker went away: a dialog was answered, or nobody asks any more."""
        if message.get("op") == "tool":
            return Over.WITHDRAWN, "its program asks no more"
        return Over.ANSWERED_ELSEWHERE, ""

    async def ask(self, message: Message, asking: Asking) -> Answer:
        """A person's answer to a message that asks. Raises Refusal."""
        if message.get("op") == "hook":
            await self.catch_up()
            output = await self.hooks.asked(_event(message), asking)
            return {"output": output} if output else {}
        if message.get("op") == "tool":
            return await self.tools.ask(message, asking)
        session = self.sessions.known(text_of(message, "session_id"))
        if session.state is SessionState.ENDED:
            raise Refusal(Reason.SESSION_ENDED, f"Session {session.session_id} is over; register it again.")
        decision = await asking.ask(question_of(message, session))
        return {"option": decision.option_id, "text": decision.text} if decision else {"option": None}

    async def attach(self, message: Message) -> Session:
        """Register the session of a `pointsman run`. Raises Refusal."""
        backend = self.sessions.backends.which(lambda traits: traits.attaches)
        return await self.sessions.register(_wanted(message, backend, {}))

    async def _register(self, message: Message) -> Answer:
        backend, target = text_of(message, "backend"), texts_of(message, "target")
        traits = self.sessions.backends.traits(backend)
        if traits.attaches:
            raise Refusal(Reason.INVALID_ARGUMENT, f"A {backend} session is opened by `pointsman run`, not registered.")
        if traits.joins:
            text = (
                f"A {backend} session comes by itself, where its program is open in a terminal; it is not registered."
            )
            raise Refusal(Reason.INVALID_ARGUMENT, text)
        if (needed := traits.target_key) and not target.get(needed):
            raise Refusal(Reason.INVALID_ARGUMENT, f"target.{needed} is missing; a {backend} session needs it.")
        session = await self.sessions.register(_wanted(message, backend, target))
        return {"session_id": session.session_id, "generation": session.generation}

    async def _unregister(self, message: Message) -> Answer:
        await self.sessions.close(text_of(message, "session_id"), "unregistered")
        return {}

    async def _list(self, _: Message) -> Answer:
        return {"sessions": [_shown(session) for session in self.sessions.live()]}

    async def _status(self, _: Message) -> Answer:
        status = self.link.status
        depths: Answer = {"inbox_depth": await self.inbox.depth(), "outbox_depth": await self.outbox.depth()}
        link = {"router": status.address, "connected": status.connected, "epoch": status.epoch}
        return {"machine_id": self.machine_id, **link, **depths}

    async def _rotate_key(self, _: Message) -> Answer:
        await self.link.change_key()
        return {"machine_id": self.machine_id}

    async def _notify(self, message: Message) -> Answer:
        session = self.sessions.known(text_of(message, "session_id"))
        text, files = text_of(message, "text"), strings_of(message, "files")
        if not (text or files):
            raise Refusal(Reason.INVALID_ARGUMENT, "text is empty.")
        if len(text.encode(errors="replace")) > MAX_TEXT_BYTES:
            raise Refusal(Reason.TOO_LARGE, f"text is longer than {MAX_TEXT_BYTES // 1024} KiB.")
        notification_id = checked_id(text_of(message, "notification_id", str(uuid.uuid4())), "notification_id")
        await self.uploads.notify(Notify(notification_id, session.session_id, text, _buttons(message)), files)
        return {"notification_id": notification_id}

    async def catch_up(self) -> None:
        """Take what hooks said while no agent was there. What no program says that runs still says nothing."""
        async with self.catching_up:
            for at, message in self.unheard.take():
                with suppress(AgentError):  # of a full disk, too: then its next hook tells where it is
                    event = _event(message)
                    program = identify(event.pid)
                    # Another one may have its number by now.
                    if event.name == "SessionStart" and program is not None and program.started <= at + _LATE:
                        await self._heard(event)

    async def _hook(self, message: Message) -> Answer:
        await self.catch_up()
        return await self._heard(_event(message))

    async def _heard(self, said: HookEvent) -> Answer:
        event = await self.gemini.translated(said)
        if event.scope == codex_hook.SCOPE:
            window = await asyncio.to_thread(window_by_itself, event.pid)
            if not window:
                return {}  # its server tells
            event = codex_hook.translated(event, window)
        session = await self.hooks.heard(event)
        if session is not None:
            self.gemini.opened(session, event)
        if session is None or event.name != "SessionStart":
            return {}
        return {"environment": environment(session.session_id, self.workers)}


def _wanted(message: Message, backend: str, target: Mapping[str, str]) -> Session:
    return Session(
        text_of(message, "session_id"),
        backend,
        text_of(message, "label"),
        text_of(message, "cwd"),
        target=target,
        process=_process_of(message),
    )


def _event(message: Message) -> HookEvent:
    """What a hook says of itself. Raises Refusal when it is not what forward.py sends."""
    payload, environ = message.get("payload"), texts_of(message, "environ")
    if not isinstance(payload, dict):
        raise Refusal(Reason.INVALID_ARGUMENT, "payload must be an object.")
    scope, name = text_of(message, "scope"), payload.get("hook_event_name")
    pid = environ.get("CLAUDE_PID", "")  # older versions do not say it; their hooks are their children
    if scope == codex_hook.SCOPE:  # its question is only told of; and it may have been started by a Claude Code
        name, pid = None, ""
    parent = message.get("parent")
    number = int(pid) if _PID.fullmatch(pid) else parent if isinstance(parent, int) else 0
    known = name if isinstance(name, str) else text_of(message, "event")
    asker = text_of(message, "ask", str(uuid.uuid4()))
    return HookEvent(known, number, environ, payload, scope, asker)


def _process_of(message: Message) -> Process | None:
    pid = message.get("pid")
    if pid is None:
        return None
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
        raise Refusal(Reason.INVALID_ARGUMENT, "pid must be a number above 0.")
    process = identify(pid)
    if process is None:
        raise Refusal(Reason.TARGET_GONE, f"There is no process {pid} any more.")
    return process


def _buttons(message: Message) -> tuple[Button, ...]:
    items = items_of(message, "buttons")
    buttons = tuple(Button(text_of(item, "label"), text_of(item, "action")) for item in items)
    if len(buttons) > MAX_BUTTONS:
        raise Refusal(Reason.TOO_LARGE, f"There may be {MAX_BUTTONS} buttons; got {len(buttons)}.")
    for button in buttons:
        _check_button(button)
    return buttons


def _check_button(button: Button) -> None:
    if not button.label or not button.action:
        raise Refusal(Reason.INVALID_ARGUMENT, "Each button needs a label and an action.")
    if len(button.label) > MAX_BUTTON_LABEL or len(button.action.encode()) > MAX_BUTTON_ACTION:
        text = f"A button's label has up to {MAX_BUTTON_LABEL} characters, its action up to {MAX_BUTTON_ACTION} bytes."
        raise Refusal(Reason.TOO_LARGE, text)


def _shown(session: Session) -> Answer:
    return {
        "session_id": session.session_id,
        "label": session.label,
        "backend": session.backend,
        "cwd": session.cwd,
        "state": session.state.value,
        "generation": session.generation,
    }
