"""Many at once: exactly what was seen, each told of by name, nobody's beyond what they may."""

from typing import Any

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.batch import MOST, SHOWN
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import ADA, ask, here, listed, press, respond, standing
from tests.rigs.session_program import told
from tests.rigs.thin_agent import ThinAgent, ThinLink

ALLOWED, DENIED, OPEN = (
    types.PERMISSION_STATE_ALLOWED,
    types.PERMISSION_STATE_DENIED,
    types.PERMISSION_STATE_OPEN,
)


@pytest.fixture
def questions(link: ThinLink, session: str) -> list[str]:
    return [ask(link, session, number, input_digest=f"d{number}", tool=tool) for number, tool in enumerate(
        ("Bash", "Bash", "Edit"), 1)]  # fmt: skip


def many(router: RouterUnderTest, doing: str, *items: tuple[str, str], **more: Any) -> list[pb.ManyOutcome]:
    named = [pb.ManyItem(id=identity, seen=seen) for identity, seen in items]
    request = pb.DoToManyRequest(doing=pb.Doing.Value(f"DOING_{doing}"), items=named, **more)
    return list(router.control.DoToMany(request).outcomes)


def states(router: RouterUnderTest, questions: list[str]) -> list[int]:
    return [standing(router, each).state for each in questions]


def test_each_is_answered_as_it_was_seen_and_what_changed_is_left_out_and_told(
    router: RouterUnderTest, questions: list[str]
) -> None:
    first, second, third = questions
    respond(router, second, "deny", input_digest="d2")
    outcomes = many(router, "ALLOW", (first, "d1"), (second, "d2"), (third, "another"), ("nobody", "d"))

    assert states(router, questions) == [ALLOWED, DENIED, OPEN]
    assert [(each.id, each.done) for each in outcomes] == [
        (first, True), (second, False), (third, False), ("nobody", False)
    ]  # fmt: skip
    reasons = [types.Reason.Name(each.reason) for each in outcomes]
    assert reasons[1:] == ["REASON_QUESTION_OVER", "REASON_INPUT_CHANGED", "REASON_NOT_FOUND"]
    assert "Denied by" in outcomes[1].detail


def test_a_no_takes_its_reason_along(router: RouterUnderTest, questions: list[str]) -> None:
    many(router, "DENY", *((each, f"d{number}") for number, each in enumerate(questions, 1)), text="not now")

    assert {standing(router, each).text for each in questions} == {"not now"}


def test_so_many_and_no_more(router: RouterUnderTest, questions: list[str]) -> None:
    assert told(lambda: many(router, "ALLOW")) == "INVALID_ARGUMENT"
    assert told(lambda: many(router, "ALLOW", *((f"q{n}", "d") for n in range(MOST + 1)))) == "INVALID_ARGUMENT"
    assert told(lambda: many(router, "UNSPECIFIED", (questions[0], "d1"))) == "INVALID_ARGUMENT"
    assert len(many(router, "ALLOW", (questions[0], "d1"), (questions[0], "d1"))) == 1


def test_the_same_request_again_is_answered_as_the_first(router: RouterUnderTest, questions: list[str]) -> None:
    one, again = (many(router, "ALLOW", (questions[0], "d1"), request_id="1") for _ in range(2))

    assert one == again


def test_who_may_not_one_may_not_many(router: RouterUnderTest, questions: list[str], session: str) -> None:
    command = router.send(session)
    approver, adapter = (router.caller(router.key(role)).control for role in (pb.ROLE_APPROVER, pb.ROLE_ADAPTER))
    allow = pb.DoToManyRequest(doing=pb.DOING_ALLOW, items=[pb.ManyItem(id=questions[0], seen="d1")])
    cancel = pb.DoToManyRequest(doing=pb.DOING_CANCEL, items=[pb.ManyItem(id=command.command_id, seen="QUEUED")])

    assert told(lambda: approver.DoToMany(cancel)) == "PERMISSION_DENIED"
    assert told(lambda: adapter.DoToMany(allow)) == "PERMISSION_DENIED"
    assert approver.DoToMany(allow).outcomes[0].done


def test_a_limited_key_does_it_to_its_own_alone(router: RouterUnderTest, questions: list[str]) -> None:
    made = router.control.CreateApiKey(pb.CreateApiKeyRequest(label="x", role=pb.ROLE_OPERATOR, machines=["elsewhere"]))
    allow = pb.DoToManyRequest(doing=pb.DOING_ALLOW, items=[pb.ManyItem(id=questions[0], seen="d1")])
    [outcome] = router.caller(made.secret).control.DoToMany(allow).outcomes

    assert (outcome.done, types.Reason.Name(outcome.reason)) == (False, "REASON_NOT_FOUND")
    assert states(router, questions[:1]) == [OPEN]


def test_commands_are_taken_back_dropped_and_sent_again(router: RouterUnderTest) -> None:
    machine = router.machine()
    session = router.session(machine)
    first, second = (router.send(session, text).command_id for text in ("one", "two"))
    [cancelled, changed] = many(router, "CANCEL", (first, "QUEUED"), (second, "SENT"))
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session))
    [dropped] = many(router, "DROP", (second, "DEAD"))
    [again] = many(router, "RETRY", (second, "DEAD"))

    assert (cancelled.done, changed.done, dropped.done, again.done) == (True, False, True, False)
    assert "queued now" in changed.detail
    assert router.command(first).state == types.COMMAND_STATE_CANCELLED


def offered(router: RouterUnderTest, transport: str, text: str) -> types.Notification | None:
    """What a chat is shown for this, with its button."""
    before = {each.notification_id for each in router.notifications("")}
    router.submit(here(transport, ""), text, actor=ADA)
    new = [each for each in router.notifications("") if each.notification_id not in before]
    return next((each for each in new if each.buttons), None)


def test_a_chat_shows_what_its_button_will_do_and_it_does_that_alone(
    router: RouterUnderTest, link: ThinLink, session: str, questions: list[str], transport: str
) -> None:
    note = offered(router, transport, "/allow tool:Bash")
    assert note is not None
    later = ask(link, session, 4, input_digest="d4")
    respond(router, questions[1], "deny", input_digest="d2")
    pressed = press(router, note, note.buttons[0].action)

    assert note.text.startswith("Allow these 2?")
    assert note.text.count("• api: Bash: git push") == 2
    assert states(router, [*questions, later]) == [ALLOWED, DENIED, OPEN, OPEN]
    assert "Allowed 1." in pressed.answer
    assert "Left out: api: Bash" in pressed.answer
    press(router, note, note.buttons[0].action)
    assert states(router, [questions[2], later]) == [OPEN, OPEN]


@pytest.mark.parametrize(
    ("words", "count"),
    [("all", 3), ("api", 3), ("a*", 3), ("web", 0), ("tool:Edit", 1), ("api tool:Bash", 2), ("machine:nowhere", 0)],
)
def test_which_are_meant(router: RouterUnderTest, questions: list[str], transport: str, words: str, count: int) -> None:
    note = offered(router, transport, f"/deny {words}")

    assert (note.text.count("•") if note else 0) == count
    assert len(listed(router)) == len(questions)


def test_by_the_name_of_a_rule_for_what_is_risky(
    router: RouterUnderTest, link: ThinLink, session: str, questions: list[str], transport: str
) -> None:
    ask(link, session, 4, input="rm -rf build", input_digest="d4")
    note = offered(router, transport, "/deny rule:delete")

    assert note is not None
    assert note.text.count("•") == 1
    assert len(questions) == 3


def test_no_more_is_offered_than_is_shown(
    router: RouterUnderTest, link: ThinLink, session: str, transport: str
) -> None:
    for number in range(1, SHOWN + 4):
        ask(link, session, number, input_digest=f"d{number}")
    note = offered(router, transport, "/allow all")
    assert note is not None
    press(router, note, note.buttons[0].action)

    assert "… and 3 more are not in this" in note.text
    assert len(listed(router)) == 3


def test_in_a_chat_commands_are_taken_back_by_a_button_too(
    router: RouterUnderTest, agent: ThinAgent, transport: str
) -> None:
    session = router.session(agent, "web")
    command = router.send(session, "go on")
    note = offered(router, transport, "/cancel web")
    assert note is not None
    press(router, note, note.buttons[0].action)

    assert router.command(command.command_id).state == types.COMMAND_STATE_CANCELLED
    assert offered(router, transport, "/retry all") is None
