"""The chain of the audit: what can be found in it later, and what cannot."""

from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from router.domain.audit import LONGEST, START, AuditEntry, AuditEvent, Head, digest, following, verified
from router.domain.identity import Caller, Identity, IdentityKind

ADA = Caller(Identity(IdentityKind.KEY, "key_1", "laptop"), "ipv4:127.0.0.1:1")
Entries = list[AuditEntry]


def chain(length: int, head: Head = START) -> Entries:
    entries: Entries = []
    for number in range(length):
        entries.append(following(head, 1000.0 + number, AuditEvent.KEY_CREATED, ADA, f"key_{number}", "role viewer"))
        head = Head(entries[-1].number, entries[-1].digest)
    return entries


def changed(entries: Entries) -> Entries:
    return [*entries[:2], replace(entries[2], detail="role admin"), *entries[3:]]


def changed_and_hashed_anew(entries: Entries) -> Entries:
    forged = replace(entries[2], detail="role admin")
    return [*entries[:2], replace(forged, digest=digest(forged)), *entries[3:]]


def removed(entries: Entries) -> Entries:
    return [*entries[:2], *entries[3:]]


def swapped(entries: Entries) -> Entries:
    second, third = replace(entries[2], number=2), replace(entries[1], number=3)
    return [entries[0], second, third, *entries[3:]]


def inserted(entries: Entries) -> Entries:
    between = following(Head(1, entries[0].digest), 1001.0, AuditEvent.LOGIN, ADA, "", "")
    return [entries[0], between, *entries[1:]]


def cut_at_the_oldest_end(entries: Entries) -> Entries:
    return entries[1:]


def no_text(entries: Entries) -> Entries:
    return [*entries[:2], replace(entries[2], detail=b"\xff"), *entries[3:]]  # type: ignore[arg-type]


def test_a_chain_as_it_was_written_is_whole() -> None:
    entries = chain(4)

    found = verified(START, entries)

    assert (found.entries, found.broken, found.head) == (4, None, Head(4, entries[3].digest))


@pytest.mark.parametrize(
    ("forgery", "first"),
    [(changed, 3), (changed_and_hashed_anew, 4), (removed, 3), (swapped, 2), (inserted, 3), (no_text, 3),
     (cut_at_the_oldest_end, 1)],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_the_first_entry_that_is_not_as_it_was_is_named(forgery: Callable[[Entries], Entries], first: int) -> None:
    found = verified(START, forgery(chain(5)))

    assert found.broken == first
    assert str(first) in found.problem


def test_a_cut_at_the_newest_end_shows_in_the_head_alone() -> None:
    entries = chain(5)

    found = verified(START, entries[:4])

    assert found.broken is None
    assert found.head != verified(START, entries).head


def test_what_retention_left_follows_its_anchor() -> None:
    entries = chain(5)

    assert verified(Head(2, entries[1].digest), entries[2:]).broken is None


def test_each_field_counts() -> None:
    [entry] = chain(1)
    others: Sequence[AuditEntry] = [
        replace(entry, **{name: "other"})  # type: ignore[arg-type]
        for name in ("event", "kind", "identity", "label", "claimed", "peer", "subject", "detail", "previous")
    ]

    digests = {digest(each) for each in [entry, replace(entry, number=2), replace(entry, at=1000.001), *others]}

    assert len(digests) == 3 + len(others)


def test_what_a_stranger_chooses_has_a_bound() -> None:
    entry = following(START, 0.0, AuditEvent.REFUSED, replace(ADA, claimed="x" * 10_000), "y" * 10_000, "")

    assert (len(entry.claimed), len(entry.subject)) == (LONGEST, LONGEST)
