"""What a coding agent may use of us: {"op": "tool", "call", "name", "arguments", "environ"}, as its MCP server says it.

Whose session it is says the kernel, which knows the process that asks, and the environment of that; what a model
writes into the arguments never does. `call` names the use: the same again is the same question, the same message.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from agent.backends.folders import leads_into
from agent.domain.acp_question import Field, Form, form_answer, form_questions
from agent.domain.command import MAX_TEXT_BYTES, Reason
from agent.domain.errors import Refusal, RouterUnreachable
from agent.domain.frames import Notify
from agent.domain.permission import Decision, Question, Verdict
from agent.domain.session import Session, checked_id
from agent.link.session_calls import SCOPES, SessionCalls
from agent.local.fields import Answer, Message, strings_of, text_of, texts_of
from agent.local.question import wait_of
from agent.services.permissions import Asking
from agent.services.session_lookup import SessionLookup
from agent.services.sessions import Sessions
from agent.services.uploads import Uploads

ASK = "ask_person"
PEER = "peer"  # the pid of whoever asks; what they write there themselves is written over
MAX_QUESTION = 16_000  # characters
MAX_OFFERED, MAX_OFFER = 16, 200  # options, and characters of one
PATIENCE = 40.0  # seconds that the router may be away while a program waits
_LOOK = 0.5  # seconds
_MOST_TRIES = 5  # of one person to name what is offered
_DECLINED = "They declined to answer."
_NO_ANSWER = "Nobody answered in time, or could be asked."
_NOT_ONE = "“{words}” is none of what may be answered."
_NO_SESSION = (
    "This program is no session of Pointsman, so nobody can be reached: start it with `pointsman run`, or make it one"
    " with `pointsman session register`."
)


@dataclass(frozen=True, slots=True)
class Tools:
    """Each takes its arguments and says in words, for a model, what became of it."""

    sessions: Sessions
    lookup: SessionLookup
    uploads: Uploads
    calls: SessionCalls

    async def answer(self, message: Message) -> Answer:
        """Use the tool that the message names, one that waits for nobody. Raises Refusal."""
        tools: dict[str, Callable[[Session, str, Message], Awaitable[str]]] = {
            "notify": self._notify,
            "sessions": self._sessions,
            "later": self._later,
            "send_to_session": self._send_to_session,
            "remember": self._remember,
            "recall": self._recall,
            "forget": self._forget,
        }
        name = text_of(message, "name")
        if name not in tools:
            raise Refusal(Reason.INVALID_ARGUMENT, f"This agent has no tool {name[:40]!r}; a newer one may.")
        session, call = await self._session(message), checked_id(text_of(message, "call"), "call")
        return {"text": await tools[name](session, call, _arguments(message))}

    async def ask(self, message: Message, asking: Asking) -> Answer:
        """A person's answer. Raises Refusal."""
        session, call = await self._session(message), checked_id(text_of(message, "call"), "call")
        form, hint = _form(_arguments(message)), ""
        for number in range(_MOST_TRIES):
            [question] = _questions(form, hint, session, f"{call}/{number}", wait_of(message))
            decision = await asking.ask(question)
            if decision is None:
                return {"text": _NO_ANSWER, "failed": True}
            if _is_no(question, decision):
                break
            given = form_answer(form, [decision]).get("content")
            if isinstance(given, dict):
                [answer] = given.values()
                return {"text": "\n".join(answer) if isinstance(answer, list) else str(answer)}
            hint = _NOT_ONE.format(words=decision.text[:MAX_OFFER])
        return {"text": _DECLINED}

    async def _session(self, message: Message) -> Session:
        pid = message.get(PEER)
        session = await self.lookup.around(pid if isinstance(pid, int) else 0, texts_of(message, "environ"))
        if session is None:
            raise Refusal(Reason.SESSION_UNKNOWN, _NO_SESSION)
        return session

    async def _notify(self, session: Session, call: str, arguments: Message) -> str:
        text, files = text_of(arguments, "text"), strings_of(arguments, "files")
        if not text.strip() or len(text.encode(errors="replace")) > MAX_TEXT_BYTES:
            raise Refusal(Reason.INVALID_ARGUMENT, f"text must have 1 to {MAX_TEXT_BYTES} bytes.")
        paths = [await asyncio.to_thread(_own_file, session, path) for path in files]
        await self.uploads.notify(Notify(call, session.session_id, text), paths)
        return "It is on its way to them."

    async def _later(self, session: Session, call: str, arguments: Message) -> str:
        when, text, reminder = text_of(arguments, "when"), text_of(arguments, "text"), arguments.get("remind") is True
        return await _reached(lambda: self.calls.later(session, when, text, call, reminder=reminder))

    async def _send_to_session(self, session: Session, call: str, arguments: Message) -> str:
        to, text, reply_to = (text_of(arguments, name) for name in ("to", "text", "reply_to"))
        return await _reached(lambda: self.calls.send_to_session(session, to, text, reply_to, call))

    async def _remember(self, session: Session, call: str, arguments: Message) -> str:
        text, scope = text_of(arguments, "text"), text_of(arguments, "scope", "repository")
        if scope not in SCOPES:
            raise Refusal(Reason.INVALID_ARGUMENT, f"scope must be one of {', '.join(SCOPES)}.")
        return await _reached(lambda: self.calls.remember(session, text, scope, call))

    async def _recall(self, session: Session, _call: str, arguments: Message) -> str:
        query, limit = text_of(arguments, "query"), _number(arguments, "limit", 10, 50)
        return await _reached(lambda: self.calls.recall(session, query, limit))

    async def _forget(self, session: Session, call: str, arguments: Message) -> str:
        number = _number(arguments, "number", 0, 2**63 - 1)
        return await _reached(lambda: self.calls.forget(session, number, call))

    async def _sessions(self, own: Session, _call: str, _arguments: Message) -> str:
        return json.dumps([_shown(one, own) for one in self.sessions.live()], indent=1)


def _number(arguments: Message, name: str, usual: int, most: int) -> int:
    value = arguments.get(name, usual)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= most:
        raise Refusal(Reason.INVALID_ARGUMENT, f"{name} must be a whole number from 1 to {most}.")
    return value


async def _reached(call: Callable[[], Awaitable[str]]) -> str:
    """What the router says to a call, also where it is just being started anew. Raises Refusal, RouterUnreachable."""
    ends = asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            return await call()
        except RouterUnreachable:
            if asyncio.get_running_loop().time() > ends:
                raise
        await asyncio.sleep(_LOOK)


def is_asked(message: Message) -> bool:
    """Whether a person has to answer."""
    return text_of(message, "name") == ASK


def _arguments(message: Message) -> Message:
    arguments = message.get("arguments", {})
    if not isinstance(arguments, dict):
        raise Refusal(Reason.INVALID_ARGUMENT, "arguments must be an object.")
    return arguments


def _form(arguments: Message) -> Form:
    words, offered = text_of(arguments, "question"), strings_of(arguments, "options")
    if not 0 < len(words.strip()) <= len(words) <= MAX_QUESTION:
        raise Refusal(Reason.INVALID_ARGUMENT, f"question must have 1 to {MAX_QUESTION} characters.")
    if len(offered) > MAX_OFFERED or not all(0 < len(each.strip()) <= len(each) <= MAX_OFFER for each in offered):
        text = f"There may be {MAX_OFFERED} options, each of 1 to {MAX_OFFER} characters."
        raise Refusal(Reason.INVALID_ARGUMENT, text)
    several, own_words = arguments.get("several") is True, arguments.get("own_words") is not False
    choices = tuple((each, each) for each in offered)
    field = Field("answer", words, choices, other=own_words or not choices, several=several and bool(choices))
    return Form(words, (field,), {"question": words, "options": offered})


def _questions(form: Form, hint: str, session: Session, asker: str, wait: float) -> tuple[Question, ...]:
    shown = Form(hint, form.fields, form.given) if hint else form
    return form_questions(shown, session.session_id, asker, wait)


def _is_no(question: Question, decision: Decision) -> bool:
    return any(one.option_id == decision.option_id and one.verdict is Verdict.DENY for one in question.options)


def _own_file(session: Session, path: str) -> str:
    """Where a file of the session's folder really is. Raises Refusal for one elsewhere.

    What a model names may be what it was talked into: keys lie elsewhere.
    """
    if not session.cwd:
        raise Refusal(Reason.INVALID_ARGUMENT, "This session has no folder, so it can send no files.")
    real = os.path.realpath(Path(session.cwd) / path)
    if not leads_into(Path(real), (Path(session.cwd),)):
        text = f"{path[:200]} is not in or below this session's folder, {session.cwd}. Copy it there to send it."
        raise Refusal(Reason.INVALID_ARGUMENT, text)
    return real


def _shown(session: Session, own: Session) -> Answer:
    return {
        "session_id": session.session_id,
        "name": session.label,
        "folder": session.cwd,
        "state": session.state.value,
        "is_yours": session.session_id == own.session_id,
    }
