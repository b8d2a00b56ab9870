"""What became of every command, in the manner of Jepsen's total-queue: pure, from three independent accounts.

What senders were told (accepted), what reached the terminals (typed), and what the router says of each command at the
end. A text names its command: every one is sent once and is different from all others.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

LIVE = frozenset({"queued", "sent", "received"})
TYPED = frozenset({"done"})
DOUBTFUL = frozenset({"uncertain", "dead", "expired"})  # it may have been typed; the person is told so
NOT_TYPED = frozenset({"failed", "cancelled"})

PROMISES = ("lost", "duplicated", "out_of_order", "unexpected", "baseless", "glossed_over")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A sender was told that this is safe. `sequence` is its place among the commands of the session."""

    session: str
    text: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Typed:
    """A terminal got this; in the order of the list."""

    session: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Texts by what went wrong with them, and the counts of what went well."""

    accepted: int
    typed: int
    otherwise: Counter[str]  # ended visibly without having been typed, by state
    uncertain: frozenset[str]
    lost: frozenset[str]  # accepted, not typed, and nobody is told
    duplicated: frozenset[str]
    out_of_order: frozenset[str]
    unexpected: frozenset[str]  # typed though never sent, or elsewhere, or though its sender was told that it was not
    baseless: frozenset[str]  # UNCERTAIN without an interruption between start and finish
    glossed_over: frozenset[str]  # interrupted between start and finish, and not UNCERTAIN

    @property
    def broken(self) -> dict[str, frozenset[str]]:
        """The promises that were not kept; empty when all were."""
        return {name: found for name in PROMISES if (found := getattr(self, name))}


def check(
    attempted: Mapping[str, str],
    accepted: Iterable[Accepted],
    typed: Iterable[Typed],
    states: Mapping[str, str],
    interrupted: Set[str] | None = None,
) -> Verdict:
    """Judge a run that has come to rest.

    `attempted` names the session of each text that was sent, answered or not; `states` the router's last word by
    text; `interrupted` the texts that were started and not finished when their agent died, None when nobody looked.
    """
    accepted, typed = list(accepted), list(typed)
    times = Counter(one.text for one in typed)
    uncertain = frozenset(text for text, state in states.items() if state == "uncertain")
    untyped = [one.text for one in accepted if one.text not in times]
    return Verdict(
        accepted=len(accepted),
        typed=len(times),
        otherwise=Counter(states[text] for text in untyped if states.get(text) in NOT_TYPED | DOUBTFUL),
        uncertain=uncertain,
        lost=frozenset(text for text in untyped if states.get(text) not in NOT_TYPED | DOUBTFUL)
        | frozenset(one.text for one in accepted if states.get(one.text) in LIVE),
        duplicated=frozenset(text for text, count in times.items() if count > 1),
        out_of_order=_out_of_order(accepted, typed),
        unexpected=frozenset(one.text for one in typed if _unexpected(one, attempted, states)),
        baseless=frozenset() if interrupted is None else uncertain - interrupted,
        glossed_over=frozenset() if interrupted is None else frozenset(interrupted) - uncertain,
    )


def _unexpected(one: Typed, attempted: Mapping[str, str], states: Mapping[str, str]) -> bool:
    return attempted.get(one.text) != one.session or states.get(one.text) in NOT_TYPED


def _out_of_order(accepted: Iterable[Accepted], typed: Iterable[Typed]) -> frozenset[str]:
    """Texts that a terminal got after one that was accepted later. A repetition is not counted here too."""
    place = {one.text: one.sequence for one in accepted}
    furthest: dict[str, int] = defaultdict(int)
    seen: set[str] = set()
    late = set()
    for one in typed:
        if one.text in seen or one.text not in place:
            continue
        seen.add(one.text)
        if place[one.text] < furthest[one.session]:
            late.add(one.text)
        furthest[one.session] = max(furthest[one.session], place[one.text])
    return frozenset(late)
