"""Sessions in terminals of our own (`pointsman run`): the host process types, told so over the local socket."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping

from agent.backends.claude.control import as_typed, obstacle_of
from agent.backends.pty_messages import Message, of_action, outcome_of
from agent.domain.command import Action, Outcome, Reason
from agent.domain.control import ControlKind, ControlSignal
from agent.domain.session import Session

ANSWER_LIMIT = 180.0
"""Seconds for an outcome: a host waits 30 s at most for a person's half-typed line, 20 s for a dialog that opens while
it types, both again in each of five attempts at worst, and types 64 KiB in 7 s."""

Send = Callable[[Message], Awaitable[None]]


class Attachment:
    """One host's connection: messages out, outcomes in, matched by a number."""

    def __init__(self, session_id: str, send: Send, numbers: Iterator[int]) -> None:
        self.session_id = session_id
        self._send = send
        self._numbers = numbers
        self._waiting: dict[int, asyncio.Future[Outcome]] = {}

    async def deliver(self, message: Message, limit: float) -> Outcome:
        """Sends one delivery and waits for its outcome; uncertain when none comes."""
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._send({"type": "deliver", "delivery": number, **message})
            return await asyncio.wait_for(answer, limit)
        except TimeoutError:
            return Outcome.uncertain(Reason.BACKEND_ERROR, f"the terminal did not answer for {limit:g} s")
        except OSError as error:
            return Outcome.uncertain(Reason.TARGET_GONE, f"the connection to the terminal broke: {error}")
        finally:
            del self._waiting[number]

    def outcome(self, message: Mapping[str, object]) -> None:
        """Takes the host's answer; one that nobody waits for any more is dropped."""
        number = message.get("delivery")
        answer = self._waiting.get(number) if isinstance(number, int) else None
        if answer is not None and not answer.done():
            answer.set_result(outcome_of(message))

    def lose(self) -> None:
        """The connection ended: whatever was under way may have been typed."""
        for answer in self._waiting.values():
            if not answer.done():
                text = "the connection to the terminal ended while it was typing"
                answer.set_result(Outcome.uncertain(Reason.TARGET_GONE, text))


class PtyBackend:
    """Knows which hosts are attached, and types through them. `limit` is in seconds."""

    def __init__(self, limit: float = ANSWER_LIMIT) -> None:
        self._limit = limit
        self._attached: dict[str, Attachment] = {}
        self._numbers = itertools.count(1)  # of deliveries; one series for all, so that an outcome names its own

    def attach(self, session_id: str, send: Send) -> Attachment:
        """A host is there. One that came earlier for the same session has lost its place."""
        earlier = self._attached.get(session_id)
        attachment = self._attached[session_id] = Attachment(session_id, send, self._numbers)
        if earlier is not None:
            earlier.lose()  # a host that came anew may have died while it typed
        return attachment

    def detach(self, attachment: Attachment) -> None:
        """Its connection ended. May be called again."""
        attachment.lose()
        if self._attached.get(attachment.session_id) is attachment:  # else a newer one has its place
            del self._attached[attachment.session_id]

    def outcome(self, message: Mapping[str, object]) -> None:
        """Takes what any host answered."""
        for attachment in self._attached.values():
            attachment.outcome(message)

    async def deliver(self, session: Session, action: Action) -> Outcome:
        attachment = self._attached.get(session.session_id)
        if attachment is None:
            text = "the terminal is not connected to the agent: its program ended, or `pointsman run` is suspended"
            return Outcome.failed(Reason.TARGET_GONE, text)
        typed = as_typed(session.process, action) if isinstance(action, ControlSignal) else action
        if isinstance(typed, Outcome):
            return typed
        return await attachment.deliver(of_action(typed), self._limit)

    async def obstacle(self, session: Session, action: Action) -> str:
        if isinstance(action, ControlSignal) and action.kind is ControlKind.MODE:
            return ""  # nothing is pressed
        return obstacle_of(session, action)

    async def clear_line(self, session: Session) -> None:
        """The host types what it has begun to the end by itself, whatever becomes of the agent."""

    async def release(self, session: Session) -> None:
        """The host ends with its program."""

    async def alive(self, session: Session) -> bool:
        return session.session_id in self._attached
