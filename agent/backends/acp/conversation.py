"""One conversation over ACP: opened or taken up again, one prompt at a time, asked and answered, interrupted.

v1 has no receipt. Whatever a program first says of a turn shows that it has the text; one that says nothing, or ends
before, leaves a doubt, which is told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from agent.backends.acp import asks, json_rpc, updates
from agent.backends.acp.deltas import Aloud
from agent.backends.acp.json_rpc import Answers, Asks, Json, Message, Tells
from agent.backends.acp.launch import Plan
from agent.backends.acp.process import AcpProcess, Refused
from agent.backends.acp.settings import Settings
from agent.backends.acp.shapes import part, text
from agent.backends.acp.start import greeted, taken_up, ways_back
from agent.backends.acp.table import Kind
from agent.backends.acp.updates import Turn
from agent.backends.acp.v2 import V2, VERSION
from agent.backends.child import Ended
from agent.backends.open_questions import Beside, arrived, joined
from agent.domain.acp_question import CANCELLED, DECLINED, WITHDRAWN, Form, Permission
from agent.domain.aside import Aside
from agent.domain.session_event import Described, Said, Speaker, What

CANCEL_AGAIN = 1.0  # seconds; what runs only just begins may not hear the first one
CANCEL_PATIENCE = 10.0
REPLAY_PATIENCE = 10.0  # seconds behind the answer for old words that come late


@dataclass(frozen=True, slots=True)
class Question:
    """It waits for an answer. `name` is ours; `void` is what it hears when nobody is asked any more."""

    name: str
    about: Permission | Form
    void: Json
    answer: Callable[[Json], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears what happens in a conversation; each is awaited, in order."""

    took: Callable[[], Awaitable[None]]
    happened: Callable[[Sequence[What]], None]
    asked: Callable[[Question], Awaitable[None]]
    withdrawn: Callable[[str], None]
    resumes: Callable[[], Awaitable[None]]  # nothing that it asked is open any more
    finished: Callable[[str], Awaitable[None]]  # a turn, with these last words
    rests: Callable[[], Awaitable[None]]  # it has done with all that it has
    works: Callable[[str, str], Awaitable[None]]  # in this mode, by our name, with this model; empty as it was
    aside: Callable[[Aside], None]  # for those who read along
    is_followed: Callable[[], bool]


@dataclass(eq=False, slots=True)
class _Open:
    """A prompt that is not answered yet."""

    name: int
    text: str
    turn: Turn
    taken: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    over: asyncio.Event = field(default_factory=asyncio.Event)
    is_cancelled: bool = False
    ours: tuple[Beside, ...] = ()  # it is what a person wrote with a no; nobody waits for its receipt


class AcpTalk:
    """A program, and the conversation in it."""

    def __init__(self, kind: Kind, plan: Plan, ears: Ears) -> None:
        self.kind = kind
        self.conversation_id = ""
        self.is_ready = False  # it has its conversation
        self.is_saying = False  # a delivery tells what becomes of it
        self.unsaid: tuple[Beside, ...] = ()  # what a person wrote with a no, until the turn is over
        self.settings = Settings(kind, self._call, ears.works, plan.mode, plan.model)
        self._plan = plan
        self._ears = ears
        self._aloud = Aloud(ears.aside, ears.is_followed)
        self._prompt: _Open | None = None
        self._replaying = False
        self._listed = asyncio.Event()  # the list of its commands came, behind all that is replayed
        self._asked: dict[str, tuple[Asks, Json]] = {}  # with what it hears where nobody is asked any more
        self._process: AcpProcess | None = None

    async def start(self, session_id: str) -> None:
        """Raises OSError when it cannot be started."""
        plan = self._plan
        self._process = await AcpProcess.start(plan.argv, plan.folder, plan.environ, session_id, self._heard)
        if self.kind.version == VERSION:
            self._process.v2 = V2()  # it says nothing before it is greeted

    @property
    def process(self) -> AcpProcess:
        assert self._process is not None  # noqa: S101 -- whoever made it has started it
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def how(self) -> str:
        return self.process.how

    @property
    def stopped(self) -> bool:
        return self.process.stopped

    @property
    def ended(self) -> "asyncio.Task[None]":
        return self.process.ended

    async def stop(self) -> None:
        await self.process.stop()

    @property
    def is_busy(self) -> bool:
        """Whether a text must wait: each of these programs makes something else of one that does not."""
        return self._prompt is not None

    @property
    def doubtful(self) -> tuple[Beside, ...]:
        """What a person wrote with a no, where nobody can know whether it has that."""
        prompt = self._prompt
        return prompt.ours if prompt is not None and not prompt.taken.done() else ()

    async def open(self, earlier: str, patience: float) -> None:
        """Begin a conversation, or take an earlier one up. Raises Refused, Ended, TimeoutError."""
        able = await greeted(self._call, patience)
        place = {"cwd": self._plan.folder, "mcpServers": []}
        if earlier:
            result = await self._take_up(earlier, able, place, patience)
        else:
            result = await self.process.call("session/new", place, patience)
            self.conversation_id = text(result, "sessionId", 200)
            if not self.conversation_id:
                raise Refused(0, "it began a conversation without a name")
        await self._happened(iter([await self.settings.opened(self.conversation_id, result, patience)]))

    async def _call(self, method: str, params: Json, patience: float | None) -> Json:
        return await self.process.call(method, params, patience)

    async def _happened(self, whats: Iterator[What]) -> None:
        told = list(self.settings.named(whats))
        self._ears.happened(told)
        for one in told:
            if isinstance(one, Described) and (one.mode or one.model):
                await self._ears.works(one.mode, one.model)

    async def free(self) -> None:
        """Returns when a text may be said: the turn is over, or the program has ended."""
        while (prompt := self._prompt) is not None and not self.ended.done():
            await self._over(prompt, None)

    async def say(self, content: str) -> None:
        """Returns when it has the text. Raises Refused where it will not have it, Ended."""
        self.is_saying = True
        try:
            prompt = await self._begin(content)
            await asyncio.wait((prompt.taken, self.ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.is_saying = False
        if not prompt.taken.done():
            raise Ended(self.how)
        prompt.taken.result()

    async def cancel(self) -> bool:
        """Stop the turn; False where there is none. Raises TimeoutError where it does not stop."""
        prompt = self._prompt
        if prompt is None or self.how:
            return False
        prompt.is_cancelled, self.unsaid = True, ()
        async with asyncio.timeout(CANCEL_PATIENCE):
            await self._withdraw(*self._asked)  # one of them waits for these answers for ever
            while not prompt.over.is_set():
                await self.process.tell("session/cancel", {"sessionId": self.conversation_id})
                await self._over(prompt, CANCEL_AGAIN)
                if self.ended.done():
                    break
        return True

    async def _over(self, prompt: _Open, patience: float | None) -> None:
        """Wait for the end of a turn or of the program, so many seconds at most."""
        over = asyncio.ensure_future(prompt.over.wait())
        try:
            await asyncio.wait((over, self.ended), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()

    async def _take_up(self, earlier: str, able: Json, place: Json, patience: float) -> Json:
        ways = ways_back(self.kind, able)
        self.conversation_id, self._replaying = earlier, True
        self._listed.clear()
        result = await taken_up(self._call, ways, {"sessionId": earlier, **place}, patience)
        if self.kind.late_replay:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._listed.wait(), REPLAY_PATIENCE)
        self._replaying = False
        return result

    async def _begin(self, content: str, ours: tuple[Beside, ...] = ()) -> _Open:
        prompt = _Open(self.process.begin(), content, Turn(self.kind.words), ours=ours)
        self._prompt = prompt
        said = {"sessionId": self.conversation_id, "prompt": [{"type": "text", "text": content}]}
        await self.process.ask(prompt.name, "session/prompt", said)
        return prompt

    async def _heard(self, message: Message) -> None:
        prompt = self._prompt
        match message:
            case Answers() if prompt is not None and message.name == prompt.name:
                await self._answered(prompt, message)
            case Tells(method="session/update", params=params):
                if text(params, "sessionId") == self.conversation_id and self.conversation_id:
                    await self._updated(part(params, "update"))
            case Tells(method="$/cancel_request", params=params):
                await self._withdraw(_name(params.get("id", params.get("requestId"))))
                if prompt is not None and not self._asked:
                    await self._ears.resumes()
            case Asks():
                await self._asks(message)

    async def _updated(self, update: Json) -> None:
        is_list = update.get("sessionUpdate") == "available_commands_update"
        if is_list:
            self._listed.set()
        if (self._replaying and not is_list) or self.settings.is_echo(update):  # what it offers is no old word
            return
        prompt = self._prompt
        if prompt is None:  # words outside of a turn are nobody's: one of them tells its modes so
            await self._happened(updates.described(update))
            return
        if not prompt.taken.done() and updates.is_receipt(update):
            await self._took(prompt)
        await self._happened(prompt.turn.hear(update))
        self._aloud.says(f"{prompt.name}.{prompt.turn.pauses}", prompt.turn.saying)

    async def _took(self, prompt: _Open) -> None:
        self._ears.happened([Said(Speaker.USER, prompt.text)])
        await self._ears.took()
        await arrived(*prompt.ours)
        prompt.taken.set_result(None)

    async def _answered(self, prompt: _Open, answer: Answers) -> None:
        """The turn is over."""
        self.process.forget(prompt.name)
        await self._withdraw(*self._asked)
        words = ""
        if answer.error and not prompt.taken.done():
            prompt.taken.set_exception(Refused(answer.code, answer.error))
            prompt.taken.exception()  # nobody waits for it, where that took too long
            if not self.is_saying:  # no delivery waits for this: it took too long, or we have said it by ourselves
                words = f"{self.kind.title} did not take this text: {answer.error}\n\n{prompt.text}"
        else:
            if not prompt.taken.done():
                await self._took(prompt)
            self._aloud.says("", "")
            await self._happened(prompt.turn.end(answer.result, self.settings.model))
            if not prompt.is_cancelled:  # whoever pressed Esc knows
                words = updates.ending(self.kind.title, prompt.turn.last_words, answer.result, answer.error)
        if words:
            await self._ears.finished(words)
        await arrived(*prompt.ours)
        unsaid, self.unsaid = self.unsaid, ()
        if unsaid and not prompt.is_cancelled:
            await self._begin(joined(unsaid), unsaid)
        else:
            self._prompt = None
            await self._ears.rests()
        prompt.over.set()

    async def _asks(self, asked: Asks) -> None:
        match asked.method:
            case "session/request_permission":
                await self._permission(asked)
            case "elicitation/create":
                about = asks.form(asked.params)
                if about.fields:
                    await self._ask(asked, about, WITHDRAWN)
                else:
                    await self.process.answer(asked, DECLINED)
                    words = f"{self.kind.title} asked something that cannot be answered from here, and was told so:"
                    await self._ears.finished(f"{words} {about.words}")
            case _:  # whatever was not offered, and is asked for all the same, it can do by itself
                await self.process.refuse(asked, json_rpc.NO_SUCH_METHOD, "Method not found")

    async def _permission(self, asked: Asks) -> None:
        prompt = self._prompt
        if prompt is None or prompt.is_cancelled:
            await self.process.answer(asked, CANCELLED)
            return
        if not prompt.taken.done():
            await self._took(prompt)
        call = prompt.turn.merged(part(asked.params, "toolCall"))
        about = asks.permission(asked.params, call)
        if not about.ways:  # nobody could say yes or no to it
            await self.process.answer(asked, CANCELLED)
            return
        self._aloud.says("", "")
        await self._happened(chain(prompt.turn.step(), prompt.turn.tool(call)))
        await self._ask(asked, about, CANCELLED)

    async def _ask(self, asked: Asks, about: Permission | Form, void: Json) -> None:
        name = _name(asked.name)
        if name in self._asked or self._prompt is None or self._prompt.is_cancelled:
            await self.process.answer(asked, void)
            return
        self._asked[name] = (asked, void)
        await self._ears.asked(Question(name, about, void, partial(self._answer, name)))

    async def _answer(self, name: str, result: Json) -> None:
        asked, _ = self._asked.pop(name, (None, {}))
        if asked is not None:
            await self.process.answer(asked, result)

    async def _withdraw(self, *names: str) -> None:
        """Nobody is asked about these any more, and it hears so: from here, as whoever asks may not have begun to."""
        for name in names:
            self._ears.withdrawn(name)
            asked, void = self._asked.pop(name, (None, {}))
            if asked is not None:
                await self.process.answer(asked, void)

    def is_asking_beside(self, name: str) -> bool:
        """Whether it waits for a person for another reason, too."""
        return bool(self._asked.keys() - {name})


def _name(name: object) -> str:
    """Ours for a request of its own; 1 and "1" are two."""
    return repr(name)[:200]
