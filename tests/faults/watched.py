"""What each watcher saw of a session, held against what its program's record holds: pure.

A thing of the record has a key of its own, so that it can be told from all others. The record may have several files
(a talk after /clear, a subagent's), each with an order of its own; the session's numbers are one order over all.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.faults.checker import PROMISES, Verdict


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as a watcher got it. `key` is empty for what no record holds: a state, figures."""

    seq: int
    key: str
    said: str = ""  # the whole of it, to be held against what others saw under that number


@dataclass(slots=True)
class Watched:
    """What one watcher saw, in its order; whether it wanted all that was there when it came, or only the newest."""

    name: str
    seen: list[Seen] = field(default_factory=list)
    is_whole: bool = True
    broke_off: str = ""  # why it would never have come again


def judged(files: Sequence[Sequence[str]], watchers: Iterable[Watched]) -> tuple[Verdict, list[str]]:
    """What went wrong between these files and these watchers, and what is wrong between watchers."""
    watchers = list(watchers)
    held = {key for file in files for key in file}
    lost, twice, disorder, strange = set[str](), set[str](), set[str](), set[str]()
    for one in watchers:
        keys = [each.key for each in one.seen if each.key]
        times = Counter(keys)
        twice |= {f"{one.name}: {key}" for key, count in times.items() if count > 1}
        strange |= {f"{one.name}: {key}" for key in times if key not in held}
        for file in files:
            lost |= {f"{one.name}: {key}" for key in _missing(file, times, is_whole=one.is_whole)}
            disorder |= {f"{one.name}: {key}" for key in _late(file, keys)}
    verdict = Verdict(
        accepted=len(held), typed=sum(bool(each.key) for one in watchers for each in one.seen), otherwise=Counter(),
        uncertain=frozenset(), lost=frozenset(lost), duplicated=frozenset(twice), out_of_order=frozenset(disorder),
        unexpected=frozenset(strange), baseless=frozenset(), glossed_over=frozenset(),
    )  # fmt: skip
    return verdict, [*_numbers(watchers), *_contradictions(watchers)]


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """Those of several sessions as one."""
    verdicts = list(verdicts)
    counts = {name: sum(getattr(one, name) for one in verdicts) for name in ("accepted", "typed")}
    names = (*PROMISES, "uncertain")
    found = {name: frozenset[str]().union(*(getattr(one, name) for one in verdicts)) for name in names}
    return Verdict(otherwise=Counter(), **counts, **found)


def _missing(file: Sequence[str], times: Mapping[str, int], *, is_whole: bool) -> Iterable[str]:
    """Things of a file that were not seen; of one who came later behind the first that was."""
    first = 0 if is_whole else next((at for at, key in enumerate(file) if key in times), len(file))
    return (key for key in file[first:] if key not in times)


def _late(file: Sequence[str], keys: Sequence[str]) -> Iterable[str]:
    """Things that were seen behind one that stands later in the file."""
    places, furthest = {key: at for at, key in enumerate(file)}, -1
    for key in dict.fromkeys(keys):  # a repetition is not counted here too
        place = places.get(key, furthest)
        if place < furthest:
            yield key
        furthest = max(furthest, place)


def _numbers(watchers: Iterable[Watched]) -> Iterable[str]:
    for one in watchers:
        if one.broke_off:
            yield f"{one.name} came no more: {one.broke_off}"
        numbers = [each.seq for each in one.seen]
        yield from (
            f"{one.name} saw number {later} behind {number}"
            for number, later in pairwise(numbers)
            if later != number + 1
        )
        if one.is_whole and numbers[:1] not in ([], [1]):
            yield f"{one.name} began with number {numbers[0]}"


def _contradictions(watchers: Iterable[Watched]) -> Iterable[str]:
    """Numbers under which different things were seen."""
    first: dict[int, tuple[str, str]] = {}
    for one in watchers:
        for each in one.seen:
            name, said = first.setdefault(each.seq, (one.name, each.said))
            if said != each.said:
                yield f"number {each.seq} is {said[:60]!r} to {name} and {each.said[:60]!r} to {one.name}"
