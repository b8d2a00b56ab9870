"""One conversation of OpenCode, as its events tell it: texts with a receipt, dialogs answered, turns stopped.

A text that comes in a turn would join it, so none is given then. The receipt is the message that the text becomes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from agent.backends.acp.process import Refused
from agent.backends.acp.shapes import Json, part, parts, text
from agent.backends.child import Ended
from agent.backends.joined import opencode_words
from agent.backends.joined.talk import Dialog, Ears
from agent.domain.acp_question import Form, Permission
from agent.domain.session_event import Said, Speaker

STOP_PATIENCE = 10.0  # seconds for a turn to end that was told to
MOST_CAUGHT_UP = 6  # messages of before that are looked at
MOST_PARTS = 500  # of messages that are remembered
_ENDED = "OpenCode ended"
_ABORTED = "MessageAbortedError"
Request = Callable[[str, str, Json | None], Awaitable[object]]


class OpenCodeTalk:
    """Follows one conversation."""

    def __init__(self, request: Request, ended: "asyncio.Future[None]", conversation: str, ears: Ears) -> None:
        self.conversation_id = conversation
        self._request = request
        self._gone = ended
        self._ears = ears
        self._busy = False
        self._by: dict[str, str] = {}  # by message: whose it is
        self._answer: dict[str, str] = {}  # of the last message of the model, its texts by part
        self._answering = ""
        self._heard: dict[str, None] = {}  # parts that were told
        self._error = ""
        self._dialogs: set[str] = set()
        self._giving: list[tuple[str, asyncio.Future[None]]] = []
        self._rested = asyncio.Event()

    @property
    def how(self) -> str:
        return _ENDED if self._gone.done() else ""

    @property
    def is_busy(self) -> bool:
        return self._busy

    @property
    def is_asking(self) -> bool:
        return bool(self._dialogs)

    async def begin(self) -> None:
        """See what is open already. Raises Refused, Ended, TimeoutError."""
        await self._catch_up()
        states = await self._request("GET", "/session/status", None)
        if isinstance(states, dict) and text(part(states, self.conversation_id), "type") not in ("", "idle"):
            await self._works()
        elif not self._busy:
            await self._ears.rests()
        for kind in ("permission", "question"):
            with suppress(Refused):
                listed = await self._request("GET", f"/{kind}", None)
                for one in parts({"open": listed}, "open"):
                    await self._asked(kind, one)

    async def _catch_up(self) -> None:
        """Whose the last messages are, and how far the last answer is: of what goes on the beginning was not heard."""
        listed: object = []
        with suppress(Refused):  # they may be too long
            listed = await self._request("GET", f"/session/{self.conversation_id}/message?limit={MOST_CAUGHT_UP}", None)
        for message in parts({"messages": listed}, "messages"):
            info = part(message, "info")
            name = text(info, "id", 200)
            self._by.setdefault(name, text(info, "role", 20))
            said = {
                text(one, "id", 200): text(one, "text") for one in parts(message, "parts") if one.get("type") == "text"
            }
            self._heard |= dict.fromkeys(each for each, words in said.items() if words)
            if info.get("role") == "assistant" and name > self._answering:  # ids go up
                self._answering, self._answer = name, said

    async def leave(self) -> None:
        """Its plugin goes on to speak to whoever listens."""

    async def say(self, content: str) -> None:
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        mine = (content.strip(), given)
        self._giving.append(mine)
        try:
            body = {"parts": [{"type": "text", "text": content}]}
            await self._request("POST", f"/session/{self.conversation_id}/prompt_async", body)
            await asyncio.wait((given, self._gone), return_when=asyncio.FIRST_COMPLETED)
            if not given.done():
                raise Ended(_ENDED)
        finally:
            self._giving.remove(mine)

    async def interrupt(self) -> bool:
        if not self._busy or self.how:
            return False
        self._rested.clear()
        with suppress(Refused, Ended):
            await self._request("POST", f"/session/{self.conversation_id}/abort", None)
        await asyncio.wait_for(self._rested.wait(), STOP_PATIENCE)
        return True

    async def hear(self, event: Json) -> None:
        """One event of its process; those of subagents count where they ask something."""
        kind, about = text(event, "type", 200), part(event, "properties")
        match kind:
            case "permission.asked":
                await self._asked("permission", about)
            case "question.asked":
                await self._asked("question", about)
            case "permission.replied" | "question.replied" | "question.rejected":
                await self._answered(text(about, "requestID", 200))
            case _ if event.get("child") is not True and self._is_of_it(about):
                await self._tell(kind, about)

    def _is_of_it(self, about: Json) -> bool:
        named = (text(each, "sessionID", 200) for each in (about, part(about, "info"), part(about, "part")))
        return self.conversation_id in named

    async def _tell(self, kind: str, about: Json) -> None:
        self._ears.happened(list(opencode_words.happened(kind, about)))
        match kind:
            case "message.updated":
                info = part(about, "info")
                self._by[text(info, "id", 200)] = text(info, "role", 20)
                if len(self._by) > MOST_PARTS:
                    del self._by[next(iter(self._by))]
            case "message.part.updated" if text(part(about, "part"), "type") == "text":
                await self._words(part(about, "part"))
            case "session.error":
                error = part(about, "error")
                if text(error, "name") == _ABORTED:  # whoever stopped it knows
                    self._answer = {}
                else:
                    self._error = text(part(error, "data"), "message", 2000) or text(error, "name") or "unknown"
            case "session.status":
                if text(part(about, "status"), "type") == "idle":
                    await self._rests()
                elif not self._busy:
                    await self._works()

    async def _words(self, one: Json) -> None:
        name, message, words = text(one, "id", 200), text(one, "messageID", 200), text(one, "text")
        if one.get("synthetic") is True or one.get("ignored") is True:
            return
        if self._by.get(message) == "user":
            if self._is_news(name):
                self._ears.happened([Said(Speaker.USER, words)])
            await self._taken(words.strip())
        elif self._by.get(message) == "assistant":
            if message != self._answering:
                self._answering, self._answer = message, {}
            self._answer[name] = words
            if part(one, "time").get("end") and words.strip() and self._is_news(name):
                self._ears.happened([Said(Speaker.ASSISTANT, words.strip())])

    def _is_news(self, name: str) -> bool:
        is_new = name not in self._heard
        self._heard[name] = None
        if len(self._heard) > MOST_PARTS:
            del self._heard[next(iter(self._heard))]
        return is_new

    async def _taken(self, words: str) -> None:
        for content, given in self._giving:
            if content == words and not given.done():
                await self._ears.took()
                given.set_result(None)
                return

    async def _works(self) -> None:
        self._busy, self._error, self._answer, self._answering = True, "", {}, ""
        await self._ears.works()

    async def _rests(self) -> None:
        was, self._busy = self._busy, False
        for name in list(self._dialogs):
            await self._answered(name)
        words = "\n\n".join(filter(None, map(str.strip, self._answer.values())))
        if was and self._error:
            await self._ears.finished(f"❌ Stopped by an error: {self._error}")
        elif was and words:
            await self._ears.finished(f"✅ Finished.\n\n{words}")
        await self._ears.rests()
        self._rested.set()

    async def _asked(self, kind: str, asked: Json) -> None:
        name = text(asked, "id", 200)
        if not name or name in self._dialogs:
            return
        about = opencode_words.permission_of(asked) if kind == "permission" else opencode_words.form_of(asked)
        self._dialogs.add(name)
        if about is None:
            await self._ears.asked_there("OpenCode asks something that is answered at its terminal.")
            return

        async def answer(chosen: Json, words: str) -> bool:
            if name not in self._dialogs:
                return False
            with suppress(Refused, Ended, TimeoutError):  # answered elsewhere just now, or gone
                return await self._reply(name, about, chosen, words)
            return False

        await self._ears.asked(Dialog(name, about, answer))

    async def _reply(self, name: str, about: Permission | Form, chosen: Json, words: str) -> bool:
        """Whether the words went along. Raises as a request."""
        if isinstance(about, Form):
            if (answers := opencode_words.answers_of(about, chosen)) is not None:
                await self._request("POST", f"/question/{name}/reply", {"answers": answers})
            return False
        if reply := text(part(chosen, "outcome"), "optionId"):
            more = {"message": words} if words else {}
            await self._request("POST", f"/permission/{name}/reply", {"reply": reply, **more})
        return bool(words)

    async def _answered(self, name: str) -> None:
        if name in self._dialogs:
            self._dialogs.discard(name)
            await self._ears.answered(name)
