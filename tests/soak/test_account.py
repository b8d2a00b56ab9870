"""The judge notices every kind of lie."""

from dataclasses import replace

import pytest

from tests.soak.account import Account, Call, judge

CHAT = 4711
GOOD = Account(
    told={CHAT: ["note 1", "note 2"]},
    written={CHAT: ["reply 1", "reply 2"]},
    typed={CHAT: ["reply 1", "reply 2"]},
    settled=frozenset({"reply 1", "reply 2"}),
    calls=(Call(10.0, CHAT, 200, "note 1"), Call(11.0, CHAT, 200, "note 2"), Call(12.0, CHAT, 200)),
    faults={"500": 2, "courier killed": 1},
    kills=(30.0,),
    in_doubt=3.0,
)
AGAIN = (Call(29.0, CHAT, 200, "note 3"), Call(33.0, CHAT, 200, "note 3"))


def with_calls(*calls: Call) -> Account:
    return replace(GOOD, told={CHAT: ["note 1", "note 2", "note 3"]}, calls=(*GOOD.calls, *calls))


def test_a_run_in_which_all_went_well_is_good() -> None:
    judgement = judge(GOOD)

    assert (judgement.broken, judgement.again.total()) == ({}, 0)


@pytest.mark.parametrize(
    ("account", "broken"),
    [
        (replace(GOOD, told={}), "no notification was sent"),
        (replace(GOOD, written={}), "no reply was written"),
        (replace(GOOD, calls=GOOD.calls[1:]), "notifications lost"),
        (replace(GOOD, told={CHAT: ["note 2", "note 1"]}), "notifications out of order"),
        (replace(GOOD, typed={CHAT: ["reply 2"]}), "replies lost"),
        (replace(GOOD, typed={CHAT: ["reply 2", "reply 1"]}), "replies out of order"),
        (replace(GOOD, typed={CHAT: ["reply 1", "reply 2", "reply 2"]}), "replies typed twice"),
        (replace(GOOD, settled=frozenset({"reply 1"})), "receipts not final"),
        (with_calls(AGAIN[0], Call(40.0, CHAT, 429)), "calls over a limit"),
        (with_calls(AGAIN[0], Call(29.5, CHAT, 429), Call(40.0, CHAT, 429)), "calls over a limit"),
        (
            with_calls(*(Call(20.0 + n / 4, CHAT, 200, "note 3"[: 6 * (n == 0)]) for n in range(5))),
            "calls over a limit",
        ),
        (with_calls(*(Call(20.5, chat, 200) for chat in range(31)), AGAIN[0]), "calls over a limit"),
        (replace(GOOD, faults={"500": 0}), "faults that never struck"),
        (replace(with_calls(*AGAIN), kills=()), "duplicates without a cause"),
        (replace(with_calls(*AGAIN), kills=(34.0,)), "duplicates without a cause"),
        (replace(with_calls(*AGAIN), in_doubt=0.5), "duplicates without a cause"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_broken_promise_is_named(account: Account, broken: str) -> None:
    assert list(judge(account).broken) == [broken]


def test_a_refusal_that_a_killed_courier_took_with_it_is_counted_and_excused() -> None:
    account = replace(with_calls(AGAIN[0], Call(29.5, CHAT, 429), Call(33.0, CHAT, 429)), refusals=1)

    judgement = judge(account)

    assert (judgement.broken, dict(judgement.again)) == ({}, {"429 heard again after a kill": 1})


@pytest.mark.parametrize(
    ("copies", "cause"),
    [
        (AGAIN, "courier killed before it could report"),
        ((replace(AGAIN[0], at=20.0, status=0), AGAIN[1]), "connection lost after it was stored"),
    ],
    ids=["kill", "reset"],
)
def test_a_documented_duplicate_is_counted_with_its_cause(copies: tuple[Call, ...], cause: str) -> None:
    judgement = judge(with_calls(*copies))

    assert (judgement.broken, dict(judgement.again)) == ({}, {cause: 1})
