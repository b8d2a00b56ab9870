"""One soak: the programs, the conversations, the trouble, and the account of it all."""

import random
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import grpc
from agentlink.v1 import control_pb2 as pb

from tests.fakes import telegram_state
from tests.faults.chat import Chat
from tests.faults.load import CALL, METADATA
from tests.faults.world import world
from tests.soak.account import Account, Call, Judgement, judge
from tests.soak.traffic import Conversation, hold
from tests.soak.trouble import Trouble
from tests.waiting import NeverHappened, wait_until

SETTLE = 120.0  # real seconds for what is still on its way when everybody has said everything
IN_DOUBT_S = 3.0  # real seconds in which a delivery is reported
LAG_S = 0.1  # real seconds that a busy machine may let a call wait
NOTE = re.compile(r"note \d+ of \S+?;")
TOGETHER = re.compile(r"this and the (\d+) before it\.$")


@dataclass(frozen=True, slots=True)
class Run:
    """How big, and how bad: `each` kind of fault so often."""

    name: str
    chats: int
    count: int  # notifications, and as many replies, over all chats
    speed: float
    seed: int
    each: int = 0
    kills: int = 0


def soak(run: Run) -> tuple[Account, Judgement]:
    """One run, from an empty world to the judgement."""
    rng = random.Random(f"{run.seed} {run.name}")
    with (
        world(machines=1, sessions=run.chats, speed=run.speed) as one,
        Chat(one, run.seed, speed=run.speed, limits=True) as chat,
    ):
        conversations = [
            Conversation(chat, session, run.count // run.chats, random.Random(f"{run.seed} {session}"))
            for session in chat.chats
        ]
        with Trouble(chat, rng, 2 * run.count, each=run.each, kills=run.kills) as trouble:
            hold(conversations)
            _settle(chat, conversations)
        seen = _account(chat, conversations, trouble)
    return seen, judge(seen)


def _settle(chat: Chat, conversations: Sequence[Conversation]) -> None:
    """Wait until nothing is on its way any more, nor owed; what does not come all the while is judged."""
    wait_until(lambda: not chat.telegram.pending_updates, SETTLE)
    chat.world.drain()
    with suppress(NeverHappened):
        wait_until(lambda: all(_settled(each, text) for each in conversations for text in each.written), SETTLE)
    wait_until(lambda: _waiting(chat) == 0, SETTLE)


def _waiting(chat: Chat) -> int:
    """Messages that the router still has to bring; more than none where it cannot be asked."""
    try:
        stats = chat.world.door.control.GetStats(pb.GetStatsRequest(), metadata=METADATA, timeout=CALL)
    except grpc.RpcError:
        return 1
    return sum(stats.notifications[state] for state in ("QUEUED", "SENT"))


def _account(chat: Chat, conversations: Sequence[Conversation], trouble: Trouble) -> Account:
    telegram = chat.telegram
    typed = [(entry["session"], entry["text"]) for entry in chat.world.journal.read("typed")]
    calls = [_call(call) for call in telegram.calls() if call.params.get("chat_id")]
    return Account(
        told={each.chat_id: each.told for each in conversations},
        written={each.chat_id: each.written for each in conversations},
        typed={each.chat_id: [text for session, text in typed if session == each.session] for each in conversations},
        settled=frozenset(text for each in conversations for text in each.written if _settled(each, text)),
        calls=calls,
        refusals=trouble.refusals,
        faults=trouble.struck,
        kills=trouble.kills,
        in_doubt=IN_DOUBT_S * chat.world.speed,
        lag=LAG_S * chat.world.speed,
    )


def _call(call: telegram_state.Call) -> Call:
    result = call.answer.get("result")
    message = result if isinstance(result, dict) and call.method == "sendMessage" else {}
    shown = NOTE.search(str(message.get("text", "")))
    return Call(call.at, int(call.params["chat_id"]), call.status, shown.group() if shown else "")


def _settled(conversation: Conversation, text: str) -> bool:
    """Whether the person's message bears the mark, or a line tells its end: under it, or under a later one for both."""
    telegram, replies = conversation.chat.telegram, list(conversation.replies.values())
    number = replies.index(conversation.replies[text])
    message = telegram.world.messages[conversation.chat_id, replies[number]]
    lines = [m for m in telegram.bot_messages(conversation.chat_id) if m.text.startswith("✅") and m.reply_to]
    below = {replies.index(m.reply_to.message_id): m.text for m in lines if m.reply_to}
    return bool(message.reaction) or any(at - _before(line) <= number <= at for at, line in below.items())


def _before(line: str) -> int:
    """Of how many messages before its own a line tells the end, too."""
    found = TOGETHER.search(line)
    return int(found[1]) if found else 0
