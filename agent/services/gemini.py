"""Gemini CLI in terminals: its hooks tell, and its dialogs are asked about from afar, and answered by a key.

A dialog opens behind the answer to its hook. So our entry says first that one is open, and no text's Enter meets it. A
key goes in only while the entry names that very dialog, which the terminal itself asks, and the screen shows it.
"""

import asyncio
import itertools
import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from agent.backends.gemini import status_file
from agent.backends.gemini.screen import Choice, dialog_of, prompt_of, works
from agent.backends.record import Records
from agent.backends.terminals.keyboard import Guard, Keyboard, TerminalError
from agent.backends.terminals.tmux import Pane
from agent.domain.acp_question import permission_answer, permission_question
from agent.domain.errors import AgentError
from agent.domain.gemini_hook import DIALOG, SCOPE, happened, permission_of, translated
from agent.domain.hook import HookEvent
from agent.domain.permission import Over
from agent.domain.session import Session, SessionState
from agent.loops import Tasks
from agent.services.permissions import Permissions
from agent.services.sessions import Sessions

logger = logging.getLogger(__name__)

LOOK = 0.25  # seconds between looks at a screen with a dialog
REST, QUIET = 1.0, 3  # seconds between looks whether it rests again, and how many must say so
DEAF = 2.0  # seconds until a key that did nothing is pressed again
OPENS = 15.0  # seconds in which a dialog opens behind its hook
LONGEST = 4 * 1024 * 1024  # bytes of the end of its record that are read for its last words
_STATUS = {"SessionStart": "idle", "UserPromptSubmit": "busy", "PostToolUse": "busy", "Stop": "idle", DIALOG: "waiting"}


class GeminiHooks:
    """One for the process."""

    def __init__(
        self,
        folder: Path,
        records: Records,
        sessions: Sessions,
        permissions: Permissions,
        opens: Callable[[Session], Keyboard | None],
        tasks: Tasks,
    ) -> None:
        self._folder = folder
        self._records = records
        self._sessions = sessions
        self._permissions = permissions
        self._opens = opens
        self._tasks = tasks
        self._number = itertools.count(time.time_ns())
        self._followed: set[str] = set()  # dialogs whose end is seen on the screen

    async def translated(self, event: HookEvent) -> HookEvent:
        """As it is called here, with our entry on disk; an event of another program as it is."""
        if event.scope != SCOPE:
            return event
        words = await asyncio.to_thread(last_words, event.text("transcript_path")) if event.name == "AfterAgent" else ""
        record = self._records.path(event.conversation_id)
        event = translated(event, str(self._folder), words, record)
        if event.name == "SessionEnd":
            status_file.forget(self._folder, event.pid)
        elif (status := _STATUS.get(event.name)) and not self._is_beside_dialog(event):
            is_asking = event.name == DIALOG
            asked = {name: event.payload.get(name) for name in ("details", "message")} if is_asking else {}
            dialog = event.asker if is_asking else ""
            prompt = event.text("prompt") if event.name == "UserPromptSubmit" else None
            status_file.write(self._folder, event.pid, event.conversation_id, status, dialog, asked, prompt)
        self._records.append(event.conversation_id, list(happened(event, next(self._number))), time.time())
        return event

    def _is_beside_dialog(self, event: HookEvent) -> bool:
        """Whether it tells of a turn beside an open dialog: what is typed just before that opens begins one."""
        record = status_file.record(self._folder, event.pid)
        return event.name != DIALOG and record is not None and record.get("dialog") in self._followed

    def opened(self, session: Session, event: HookEvent) -> None:
        """A dialog is about to open: ask about it, once it is there."""
        if event.scope == SCOPE and event.name == DIALOG:
            self._tasks.start(f"dialog of {session.session_id}", partial(self._dialog, session, event))

    def recover(self) -> None:
        """At start-up: dialogs that an earlier process asked about are asked about again, if they are there still."""
        for session in self._sessions.live():
            talk = session.conversation
            if talk is None or talk.folder != str(self._folder):
                continue
            entry = status_file.record(self._folder, talk.process.pid)
            if entry is None or not entry.get("dialog"):
                continue
            asked = entry.get("asked")
            payload = {"session_id": talk.conversation_id, **(asked if isinstance(asked, dict) else {})}
            self.opened(session, HookEvent(DIALOG, talk.process.pid, {}, payload, SCOPE, str(entry["dialog"])))

    async def _dialog(self, session: Session, event: HookEvent) -> None:
        try:
            terminal = self._opens(session)
            await self._sessions.update(session.session_id, state=SessionState.WAITING, waiting_for="permission prompt")
            if isinstance(terminal, Pane):
                self._followed.add(event.asker)
                choices = await self._shown(terminal, event)
                if choices:
                    await self._ask(session, event, terminal, choices)
                await self._closed(terminal, event)
        except (TerminalError, AgentError) as error:  # the terminal has it, or nobody has any more
            logger.info("dialog not followed session_id=%s: %s", session.session_id, error)
        finally:
            self._followed.discard(event.asker)

    async def _shown(self, terminal: Pane, event: HookEvent) -> tuple[Choice, ...]:
        """The ways to answer, once they are on the screen; none where it never opens."""
        gives_up, before = time.monotonic() + OPENS, tuple[Choice, ...]()
        while self._is_open(event) and time.monotonic() < gives_up:
            choices = dialog_of(await terminal.screen())
            if choices and choices == before:  # else it is just being drawn
                return choices
            before = choices
            await asyncio.sleep(LOOK)
        return ()

    async def _ask(self, session: Session, event: HookEvent, terminal: Pane, choices: tuple[Choice, ...]) -> None:
        about = permission_of(event, tuple(one.way for one in choices))
        async with self._permissions.asking() as asking:
            question = permission_question(about, session.session_id, event.asker)
            # What is written beside a no would have to be typed, beside what the session's worker types.
            plain = tuple(replace(option, takes_text=False) for option in question.options)
            asked = asyncio.create_task(asking.ask(replace(question, options=plain)))
            gone = asyncio.create_task(self._gone(terminal, event))
            try:
                await asyncio.wait((asked, gone), return_when=asyncio.FIRST_COMPLETED)
                if not asked.done():
                    await asking.give_up(Over.ANSWERED_ELSEWHERE)
                elif (decision := asked.result()) is not None:
                    outcome = permission_answer(about, decision)["outcome"]
                    words = outcome.get("optionId") if isinstance(outcome, dict) else None
                    await self._press(terminal, event, choices, str(words or ""))
                    await gone
            finally:
                for task in (asked, gone):
                    task.cancel()
                await asyncio.gather(asked, gone, return_exceptions=True)

    async def _press(self, terminal: Pane, event: HookEvent, choices: tuple[Choice, ...], words: str) -> None:
        """The number of the chosen way, while this very dialog is there: it may be half drawn, and deaf to a key."""
        guard = Guard(self._folder / "sessions" / f"{event.pid}.json", f'"dialog": *"{event.asker}"')
        gives_up = time.monotonic() + OPENS
        while self._is_open(event) and time.monotonic() < gives_up:
            screen = await terminal.screen()
            if prompt_of(screen) is not None:
                return
            now = dialog_of(screen)
            chosen = next((one for one in now if one.words == words), None)
            pressed = now == choices and chosen is not None and await terminal.enter(guard, chosen.number)
            await asyncio.sleep(DEAF if pressed else LOOK)

    async def _gone(self, terminal: Pane, event: HookEvent) -> None:
        """Until the dialog is not on the screen any more."""
        while self._is_open(event):
            await terminal.check()
            if prompt_of(await terminal.screen()) is not None:
                return
            await asyncio.sleep(LOOK)

    async def _closed(self, terminal: Pane, event: HookEvent) -> None:
        """Some ways to end one are told by no hook."""
        await self._gone(terminal, event)
        if self._is_open(event):
            status = "busy" if works(await terminal.screen()) else "idle"
            if not self._is_open(event):  # a hook has told meanwhile
                return
            status_file.write(self._folder, event.pid, event.conversation_id, status)
            await self._rested(terminal, event)

    async def _rested(self, terminal: Pane, event: HookEvent) -> None:
        """What told of the end of a turn may have come while the dialog was open: then the screen tells."""
        written, quiet = status_file.record(self._folder, event.pid), 0
        while written is not None and written == status_file.record(self._folder, event.pid):
            if written.get("status") != "busy":
                return
            quiet = 0 if works(await terminal.screen()) else quiet + 1
            if quiet == QUIET:
                status_file.write(self._folder, event.pid, event.conversation_id, "idle")
                return
            await asyncio.sleep(REST)

    def _is_open(self, event: HookEvent) -> bool:
        """As far as its hooks tell."""
        record = status_file.record(self._folder, event.pid)
        return record is not None and record.get("dialog") == event.asker


def last_words(path: str) -> str:
    """The last thing that the program itself wrote into its record: its hook garbles it."""
    try:
        with Path(path).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - LONGEST))
            lines = file.read().splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        try:
            row = json.loads(line) if b'"type":"gemini"' in line else {}
        except (ValueError, RecursionError):
            continue
        content = row.get("content") if isinstance(row, dict) else None
        if isinstance(content, str) and content.strip():
            return content.strip().encode(errors="replace").decode()
    return ""
