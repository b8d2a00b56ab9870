"""Somebody has the token that an agent gives to a session's program: what it opens, and what it does not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.audit import AuditEvent
from router.store import audit
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask
from tests.rigs.session_program import HELLO, Program, running, sends, told
from tests.rigs.told_events import shown, tell
from tests.waiting import wait_until

CHAT = types.ChatRef(transport="test", chat_id="1")


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def program(router: RouterUnderTest) -> Iterator[Program]:
    with running(router) as program:
        yield program


# What it is for.


def test_it_notifies_those_who_hear_of_its_session(router: RouterUnderTest, program: Program) -> None:
    with router.courier("test", "1") as courier:
        note = program.doors.Notify(pb.NotifyRequest(session_id=program.own, text="done")).notifications[0]

        brought = courier.brought("100").notification
    assert (brought.notification_id, brought.text) == (note.notification_id, "done")
    assert next(step.identity for step in router.trace(note.notification_id)) == f"{program.own} on devbox"


def test_it_asks_with_choices_and_the_answer_comes_into_its_session(router: RouterUnderTest, program: Program) -> None:
    choices = [types.Button(label="Yes", action="deploy it")]
    with router.courier("test", "1") as courier:
        program.doors.Notify(pb.NotifyRequest(session_id=program.own, text="Deploy?", buttons=choices))
        asked = courier.brought("100").notification

        router.submit(CHAT, button={"data": f"cmd:{asked.token}:deploy it"})

    assert program.link.commands(1)[0].action.input.text == "deploy it"


def test_it_asks_and_waits_for_the_answer(router: RouterUnderTest, program: Program) -> None:
    asking = pb.AskRequest(session_id=program.own, text="Deploy?", options=["Yes", "No"], request_id="1")
    with router.courier("test", "1") as courier:
        asked = program.doors.Ask(asking)
        shown = courier.brought("100").notification
        router.submit(CHAT, button={"data": f"cmd:{shown.token}:{shown.buttons[0].action}"}, actor="Ada")

        answered = program.doors.Ask(asking)

    assert (asked.answer, answered.answer, answered.permission.decided_by) == ("", "Yes", "Ada")
    assert next(step.identity for step in router.trace(asked.permission.permission_id)) == f"{program.own} on devbox"


def test_it_sends_to_its_session_and_sees_what_becomes_of_that(program: Program) -> None:
    sent = program.doors.SendCommand(sends(program.own)).command
    [frame] = program.link.commands(1)
    program.link.receipt(sent.command_id)
    program.link.result(1, sent.command_id)
    program.link.acked(1)

    assert (frame.session_id, frame.action.input.text) == (program.own, "hello")
    assert program.doors.GetCommand(pb.GetCommandRequest(command_id=sent.command_id)).command.state == (
        types.COMMAND_STATE_DONE
    )


def test_it_watches_its_session(router: RouterUnderTest, program: Program) -> None:
    events = program.doors.WatchEvents(pb.WatchEventsRequest(session_id=program.own, from_now_on=True))
    events.initial_metadata()
    router.send(program.foreign)
    router.send(program.sibling)
    mine = router.send(program.own)

    assert next(events).step.subject_id == mine.command_id
    events.cancel()


def test_it_watches_what_its_session_does(router: RouterUnderTest, program: Program) -> None:
    tell(program.link, program.own, 1, "one")
    watched = program.doors.WatchSession(pb.WatchSessionRequest(session_id=program.own))

    assert shown(next(watched).event) == "1 one"

    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=program.own))
    assert told(lambda: next(watched)) == "WORKER_SESSION_OVER"


def test_it_finds_its_session_and_no_other(program: Program) -> None:
    listed = program.doors.ListSessions(pb.ListSessionsRequest(include_ended=True)).sessions

    assert [(each.session_id, each.label) for each in listed] == [(program.own, "api")]


def test_the_same_request_again_gets_the_first_answer_but_not_that_of_a_sibling(program: Program) -> None:
    again = pb.SendCommandRequest(session_id=program.own, action=HELLO, request_id="1")
    sibling = program.showing(program.machine.worker_token(program.sibling))

    first, second = (program.doors.SendCommand(again).command.command_id for _ in range(2))
    other = sibling.SendCommand(pb.SendCommandRequest(session_id=program.sibling, action=HELLO, request_id="1"))

    assert first == second
    assert other.command.command_id != first


# What it is not for.

REACHES: dict[str, Callable[[Program, str], object]] = {
    "notify": lambda p, named: p.doors.Notify(pb.NotifyRequest(session_id=named, text="x")),
    "send": lambda p, named: p.doors.SendCommand(sends(named)),
    "ask": lambda p, named: p.doors.Ask(pb.AskRequest(session_id=named, text="x")),
    "watch session": lambda p, named: list(p.doors.WatchSession(pb.WatchSessionRequest(session_id=named, once=True))),
    "see": lambda p, named: p.doors.Screen(pb.ScreenRequest(session_id=named)),
    "search": lambda p, named: p.doors.Search(pb.SearchRequest(session_id=named, query="words")),
    "watch": lambda p, named: next(p.doors.WatchEvents(pb.WatchEventsRequest(session_id=named, after_event_id=1))),
}


@pytest.mark.parametrize("named", ["sibling", "foreign", "nobody", "label", "beginning", "empty"])
@pytest.mark.parametrize("reach", REACHES.values(), ids=REACHES)
def test_it_reaches_no_other_session(
    router: RouterUnderTest, program: Program, reach: Callable[[Program, str], object], named: str
) -> None:
    names = {"label": "api", "beginning": program.own[:4], "empty": "", "nobody": "no-such-session"}

    assert told(lambda: reach(program, names.get(named) or getattr(program, named, ""))) == "WORKER_OTHER_SESSION"
    assert program.link.waiting() == 0
    assert router.notifications(program.sibling) == []


ACCEPT_EDITS = types.ControlSignal(kind=types.CONTROL_KIND_MODE, value="acceptEdits")
WANTS: dict[str, Callable[[Program], object]] = {
    "choose a chat": lambda p: p.doors.Notify(pb.NotifyRequest(session_id=p.own, text="x", targets=[CHAT])),
    "be told in a chat": lambda p: p.doors.SendCommand(
        pb.SendCommandRequest(session_id=p.own, action=HELLO, origin=types.Origin(source="x", chat=CHAT))
    ),
    "press a key": lambda p: p.doors.SendCommand(
        pb.SendCommandRequest(session_id=p.own, action=types.Action(key=types.KeyPress(name="enter")))
    ),
    "go on beyond its time": lambda p: p.doors.SendCommand(
        pb.SendCommandRequest(session_id=p.own, action=types.Action(keep_session=types.KeepSession()))
    ),
    "let itself ask less": lambda p: p.doors.SendCommand(
        pb.SendCommandRequest(session_id=p.own, action=types.Action(control=ACCEPT_EDITS))
    ),
    "list commands": lambda p: p.doors.ListCommands(pb.ListCommandsRequest(session_id=p.own)),
    "list questions": lambda p: p.doors.ListPermissions(pb.ListPermissionsRequest(session_id=p.own)),
    "read its trace": lambda p: p.doors.Trace(pb.TraceRequest(id=p.own)),
    "end itself": lambda p: p.doors.StopSession(pb.StopSessionRequest(session_id=p.own)),
    "call itself otherwise": lambda p: p.doors.RenameSession(pb.RenameSessionRequest(session_id=p.own, label="x")),
    "start another": lambda p: p.doors.StartSession(pb.StartSessionRequest(prompt="x")),
    "make a key": lambda p: p.doors.CreateApiKey(pb.CreateApiKeyRequest(label="x", role=pb.ROLE_ADMIN)),
    "speak for people": lambda p: p.doors.Submit(chat_pb.SubmitRequest(update_key="u", chat=CHAT, text="x")),
}


@pytest.mark.parametrize("want", WANTS.values(), ids=WANTS)
def test_it_may_not(router: RouterUnderTest, program: Program, want: Callable[[Program], object]) -> None:
    router.chat.Submit(chat_pb.SubmitRequest(update_key="k", chat=CHAT, text="/help", actor="Ada"))  # a known chat

    assert told(lambda: want(program)) == "WORKER_MAY_NOT"


def test_it_does_not_answer_the_question_of_its_session(program: Program) -> None:
    question = ask(program.link, program.own)
    answer = pb.RespondPermissionRequest(permission_id=question, option_id="allow", input_digest="d1")

    assert told(lambda: program.doors.RespondPermission(answer)) == "WORKER_MAY_NOT"


def test_it_reads_no_command_of_others(router: RouterUnderTest, program: Program) -> None:
    theirs = router.send(program.own, "from a person").command_id
    names = [theirs, theirs[:8], router.send(program.sibling).command_id, "nothing"]

    answers = [told(lambda n=name: program.doors.GetCommand(pb.GetCommandRequest(command_id=n))) for name in names]  # type: ignore[misc]

    assert answers == ["NOT_FOUND"] * 4


def test_a_claim_of_its_own_counts_for_nothing(router: RouterUnderTest, program: Program) -> None:
    ada = types.Origin(source="cli", actor="Ada the admin")
    sent = program.doors.SendCommand(pb.SendCommandRequest(session_id=program.own, action=HELLO, origin=ada)).command

    [accepted] = [step for step in router.trace(sent.command_id) if step.event == "Accepted"]
    assert sent.origin.actor == accepted.actor == accepted.identity == f"{program.own} on devbox"


# What is told of it.


def refusals(router: RouterUnderTest) -> list[tuple[str, str, str, str]]:
    found = router.read(lambda c: audit.after(c, 0, 0.0, 1000))
    return [(e.kind, e.identity, e.subject, e.detail) for e in found if e.event == AuditEvent.REFUSED.value]


def test_the_audit_names_the_worker_that_was_refused(router: RouterUnderTest, program: Program) -> None:
    told(lambda: program.doors.SendCommand(sends(program.sibling)))
    told(lambda: program.doors.ListApiKeys(pb.ListApiKeysRequest()))
    told(lambda: program.showing(program.machine.worker_token(program.own, 0)).ListSessions(pb.ListSessionsRequest()))

    wait_until(lambda: len(refusals(router)) == 3)
    who = f"{program.own} on devbox"
    assert refusals(router) == [
        ("worker", who, "Control/SendCommand", "WORKER_OTHER_SESSION"),
        ("worker", who, "Control/ListApiKeys", "WORKER_MAY_NOT"),
        ("nobody", "", "Control/ListSessions", "WORKER_SESSION_OVER"),
    ]
