"""What a soak saw, and the judgement on it: pure, so that tests can show it every kind of lie.

The clock is the stand-in's throughout.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

BURST, RATE = 3, 1.0  # calls at once in a private chat, and a second
OVERALL = 30  # calls in any second over all chats
SLACK = 0.05  # seconds; the stand-in notes a call a moment after it has judged it


@dataclass(frozen=True, slots=True)
class Call:
    """One call that named a chat, as the stand-in took it."""

    at: float
    chat: int
    status: int  # 0: it was done, and the connection broken
    shown: str = ""  # the notification that a message of it shows


@dataclass(frozen=True, slots=True)
class Account:
    """One run. Texts of a chat are in the order in which they were handed in, seen or typed."""

    told: Mapping[int, Sequence[str]]  # notifications that the router accepted
    written: Mapping[int, Sequence[str]]  # replies that people wrote
    typed: Mapping[int, Sequence[str]]  # what the terminals got
    settled: frozenset[str]  # replies that show how they ended
    calls: Sequence[Call]
    refusals: int = 0  # calls that were answered 429 because the run asked for it
    faults: Mapping[str, int] = field(default_factory=dict)  # asked for, and how often each has struck
    kills: Sequence[float] = ()  # when the courier was dead
    in_doubt: float = 0.0  # seconds before a kill in which a delivery may not have been reported
    lag: float = 0.0  # seconds that a call may have travelled longer than another


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was not as promised, by name; empty when all was. `again`: documented repetitions, by their cause."""

    broken: dict[str, list[str]]
    again: Counter[str]


def judge(account: Account) -> Judgement:
    """Hold a run against the promises."""
    shown = {chat: _shown(account.calls, chat) for chat in account.told}
    again, unexplained = _duplicates(account, shown)
    over_limit = _refused(account, again)
    first = {chat: list(dict.fromkeys(call.shown for call in calls)) for chat, calls in shown.items()}
    written = [text for texts in account.written.values() for text in texts]
    found = {
        "no notification was sent": [] if any(account.told.values()) else ["nothing"],
        "no reply was written": [] if written else ["nothing"],
        "notifications lost": _missing(account.told, first),
        "notifications out of order": _disorder(account.told, first),
        "duplicates without a cause": unexplained,
        "replies lost": _missing(account.written, account.typed),
        "replies out of order": _disorder(account.written, account.typed),
        "replies typed twice": [text for texts in account.typed.values() for text in _twice(texts)],
        "receipts not final": [text for text in written if text not in account.settled],
        "calls over a limit": [*(["refused"] * over_limit), *_too_fast(account.calls, account.lag)],
        "faults that never struck": [name for name, struck in account.faults.items() if not struck],
    }
    return Judgement({name: what for name, what in found.items() if what}, +again)


def _shown(calls: Iterable[Call], chat: int) -> list[Call]:
    return [call for call in calls if call.chat == chat and call.shown]


def _missing(wanted: Mapping[int, Sequence[str]], got: Mapping[int, Sequence[str]]) -> list[str]:
    return [text for chat, texts in wanted.items() for text in texts if text not in set(got.get(chat, ()))]


def _disorder(wanted: Mapping[int, Sequence[str]], got: Mapping[int, Sequence[str]]) -> list[str]:
    late = []
    for chat, texts in wanted.items():
        place = {text: number for number, text in enumerate(texts)}
        order = [text for text in dict.fromkeys(got.get(chat, ())) if text in place]
        late += [after for before, after in pairwise(order) if place[after] < place[before]]
    return late


def _twice(texts: Iterable[str]) -> list[str]:
    return [text for text, times in Counter(texts).items() if times > 1]


def _duplicates(account: Account, shown: Mapping[int, Sequence[Call]]) -> tuple[Counter[str], list[str]]:
    """Why messages came again: broken connections and kills excuse the copy before; nothing else does."""
    again: Counter[str] = Counter()
    unexplained = []
    for calls in shown.values():
        copies: dict[str, list[Call]] = {}
        for call in calls:
            copies.setdefault(call.shown, []).append(call)
        for before, after in (pair for same in copies.values() for pair in pairwise(same)):
            if cause := _excuse(account, before, after):
                again[cause] += 1
            else:
                unexplained.append(before.shown)
    return again, unexplained


def _refused(account: Account, again: Counter[str]) -> int:
    """Calls refused for a limit, but for those whose courier could not know of the refusal before."""
    over = -account.refusals
    last: dict[int, Call] = {}
    for call in (call for call in account.calls if call.status == 429):
        before = last.get(call.chat)
        excused = before is not None and _killed_between(account, before, call)
        again["429 heard again after a kill"] += excused
        over += not excused
        last[call.chat] = call
    return over


def _excuse(account: Account, before: Call, after: Call) -> str:
    if before.status == 0:
        return "connection lost after it was stored"
    return "courier killed before it could report" if _killed_between(account, before, after) else ""


def _killed_between(account: Account, before: Call, after: Call) -> bool:
    return any(before.at <= kill <= after.at and kill - before.at <= account.in_doubt for kill in account.kills)


def _too_fast(calls: Sequence[Call], lag: float) -> list[str]:
    """Where the record itself shows more than the limits give, whatever the stand-in said at the time."""
    ordered = sorted(calls, key=lambda call: call.at)
    fast = [
        f"{OVERALL + 1} calls in a second, {after.at:.2f}"
        for before, after in zip(ordered, ordered[OVERALL:], strict=False)
        if after.at - before.at < 1 - lag
    ]
    for chat in {call.chat for call in ordered}:
        level, at = float(BURST), 0.0
        for call in (call for call in ordered if call.chat == chat):
            level = min(BURST, level + (call.at - at) * RATE)
            at = call.at
            if level < 1 - SLACK:
                fast.append(f"chat {chat} at {call.at:.2f}")
            level -= 1
    return fast
