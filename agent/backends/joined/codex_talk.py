"""One thread of Codex, followed through its server: texts with a receipt, dialogs answered, turns stopped.

A text that comes in a turn would cut short what the model is saying, so none is given then. A turn goes on when the
terminal is gone: the server has it, and not the program on the screen.

A thread in which nothing was said yet cannot be subscribed to: of that the server tells only that something begins.
"""

import asyncio
import uuid
from contextlib import suppress

from agent.backends.acp.json_rpc import Asks, Json, Message, Tells
from agent.backends.acp.process import Refused
from agent.backends.acp.shapes import part, parts, text
from agent.backends.child import Ended
from agent.backends.joined import codex_words
from agent.backends.joined.codex_server import CodexServer
from agent.backends.joined.talk import Dialog, Ears
from agent.domain.session_event import Said, Speaker

STOP_PATIENCE = 10.0  # seconds for a turn to end that was told to
MOST_ITEMS = 500  # of a turn that are remembered: a question names only the id
_AGAIN = 0.1  # seconds until a thread is subscribed to again that was just begun
_UNSAID = "no rollout"
_ENDED = "Codex's background server ended"


class CodexTalk:
    """Follows one thread; `begin` subscribes."""

    def __init__(self, server: CodexServer, thread: str, ears: Ears) -> None:
        self.conversation_id = thread
        self._server = server
        self._ears = ears
        self._turn = ""  # the one that goes on
        self._active = False
        self._items: dict[str, Json] = {}
        self._dialogs: dict[str, Asks] = {}  # by its name, on the screen now
        self._said: dict[str, asyncio.Future[None]] = {}  # texts on their way, by our name for each
        self._over = asyncio.Event()
        self._is_new = False  # nothing was said in it yet
        self._told = ""  # the last turn whose end was told
        self._subscribing: asyncio.Task[None] | None = None

    @property
    def how(self) -> str:
        return _ENDED if self._server.ended.done() else ""

    @property
    def is_busy(self) -> bool:
        return self._active

    @property
    def is_asking(self) -> bool:
        return bool(self._dialogs)

    async def begin(self) -> None:
        """Raises Refused, Ended, TimeoutError."""
        self._server.follow(self.conversation_id, self._heard)
        try:
            answer = await self._subscribe()
        except Refused as refused:
            if _UNSAID not in str(refused):
                raise
            self._is_new = True
            await self._ears.rests()
            return
        if part(part(answer, "thread"), "status").get("type") == "active":
            await self._works()
        elif not self._active:
            await self._ears.rests()

    async def _subscribe(self) -> Json:
        return await self._server.call("thread/resume", {"threadId": self.conversation_id, "excludeTurns": True})

    async def leave(self) -> None:
        if self._subscribing is not None:
            self._subscribing.cancel()
        self._server.leave(self.conversation_id)
        self._over.set()
        with suppress(Refused, Ended, TimeoutError):
            if not self.how:
                await self._server.call("thread/unsubscribe", {"threadId": self.conversation_id})

    async def say(self, content: str) -> None:
        name, is_first = f"pointsman-{uuid.uuid4()}", self._is_new
        said: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._said[name] = said
        given = {"threadId": self.conversation_id, "clientUserMessageId": name}
        try:
            await self._server.call("turn/start", {**given, "input": [{"type": "text", "text": content}]})
            if is_first:  # what it says of the text goes to those who have subscribed
                await self._ears.took()
                return
            await asyncio.wait((said, self._server.ended), return_when=asyncio.FIRST_COMPLETED)
            if not said.done():
                raise Ended(_ENDED)
        finally:
            del self._said[name]

    async def _follow_first_turn(self) -> None:
        """Subscribe as soon as that can be done, and tell what was missed of the turn."""
        with suppress(Ended, TimeoutError):
            while self._is_new:
                try:
                    answer = await self._subscribe()
                except Refused:
                    await asyncio.sleep(_AGAIN)
                    continue
                self._is_new = False
                self._ears.happened([Said(Speaker.USER, text(part(answer, "thread"), "preview"))])
                turn = await self._latest_turn()
                if turn.get("status") == "inProgress":
                    self._turn = self._turn or text(turn, "id", 200)
                elif text(turn, "id", 200) != self._told:
                    self._active = True
                    await self._ended(turn)

    async def interrupt(self) -> bool:
        if not self._active or self.how:
            return False
        self._over.clear()
        turn = self._turn or text(await self._latest_turn(), "id", 200)
        with suppress(Refused, Ended):  # it ended meanwhile
            await self._server.call("turn/interrupt", {"threadId": self.conversation_id, "turnId": turn})
        await asyncio.wait_for(self._over.wait(), STOP_PATIENCE)
        return True

    async def _latest_turn(self) -> Json:
        with suppress(Refused, Ended):
            asked = {"threadId": self.conversation_id, "limit": 1}
            for turn in parts(await self._server.call("thread/turns/list", asked), "data"):
                return turn
        return {}

    async def _heard(self, message: Message) -> None:
        if isinstance(message, Asks):
            await self._asks(message)
        elif isinstance(message, Tells):
            await self._hear(message.method, message.params)

    async def _hear(self, method: str, params: Json) -> None:
        item = part(params, "item")
        if name := text(item, "id", 200):
            self._items[name] = item
            if len(self._items) > MOST_ITEMS:
                del self._items[next(iter(self._items))]
        if method.startswith("item/"):
            self._turn = text(params, "turnId", 200) or self._turn
        if method == "item/started" and (said := self._said.get(text(item, "clientId", 200))) and not said.done():
            await self._ears.took()
            said.set_result(None)
        self._ears.happened(list(codex_words.happened(method, params)))
        match method:
            case "turn/started":
                self._turn = text(part(params, "turn"), "id", 200)
                await self._works()
            case "serverRequest/resolved":
                await self._answered(repr(params.get("requestId")))
            case "turn/completed":
                await self._ended(part(params, "turn"))
            case "thread/status/changed":
                await self._status(text(part(params, "status"), "type", 200))

    async def _status(self, status: str) -> None:
        if status == "active" and not self._active:
            await self._works()
            if self._is_new and self._subscribing is None:
                self._subscribing = asyncio.create_task(self._follow_first_turn(), name="codex thread")
        elif status == "idle" and self._is_new:
            self._active = False  # its turn is looked up
        elif status == "systemError" and self._active:
            await self._ended({"status": "failed"})

    async def _works(self) -> None:
        self._active = True
        await self._ears.works()

    async def _ended(self, turn: Json) -> None:
        was = self._active
        self._active, self._turn, self._told = False, "", text(turn, "id", 200)
        self._items.clear()
        for name in list(self._dialogs):
            await self._answered(name)
        match text(turn, "status", 200):
            case "completed" if was:
                last = [text(one, "text") for one in parts(turn, "items") if one.get("type") == "agentMessage"]
                await self._ears.finished(f"✅ Finished.\n\n{(last or [''])[-1].strip()}".strip())
            case "failed" if was:
                await self._ears.finished(f"❌ Stopped by an error: {codex_words.error_of(turn) or 'unknown'}")
        await self._ears.rests()  # of a turn that was stopped, whoever stopped it knows
        self._over.set()

    async def _asks(self, asked: Asks) -> None:
        about = codex_words.asked_of(asked, self._items.get(text(asked.params, "itemId", 200), {}))
        name = repr(asked.name)
        self._dialogs[name] = asked
        if about is None:
            await self._ears.asked_there(f"Codex asks something that is answered at its terminal ({asked.method}).")
            return

        async def answer(chosen: Json, words: str) -> bool:  # noqa: ARG001 -- it has no room for words
            said = codex_words.answer_of(about, chosen)
            if said is not None and name in self._dialogs:  # once: the first answer counts, and it says so
                await self._server.answer(asked, said)
            return False

        await self._ears.asked(Dialog(self._asker(asked), about, answer))

    def _asker(self, asked: Asks) -> str:
        """The same for whoever follows the thread, and whenever."""
        ids = [text(asked.params, name, 200) for name in ("itemId", "approvalId")]
        return " ".join(filter(None, (self.conversation_id, *ids)))

    async def _answered(self, name: str) -> None:
        if asked := self._dialogs.pop(name, None):
            await self._ears.answered(self._asker(asked))
