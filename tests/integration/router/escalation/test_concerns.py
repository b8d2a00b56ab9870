"""What goes up a ladder beside questions, for those who said so; who sees it first ends it everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.clock import time_of_day
from tests.integration.router.deferral.refusing import refusal
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.pressing import labels
from tests.integration.router.subscribing import logs_in
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_agent import session as named
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

MINUTE = 60
ADA = types.ChatRef(transport="telegram", chat_id="1")
MAIL = types.ChatRef(transport="mail", chat_id="ada@example.org")
SAID = {"failed": "⚠️", "finished": "🏁", "said": "💬", "limited": "⏸", "ended": "⏹", "machine-lost": "⚠️"}


@pytest.fixture
def telegram(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("telegram", "1") as courier:
        yield courier.connected()


@pytest.fixture
def mail(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("mail", "ada@example.org") as courier:
        yield courier.connected()


def wants(router: RouterUnderTest, concerns: str) -> str:
    return router.control.SetLadder(pb.SetLadderRequest(concerns=concerns)).concerns


def brought(router: RouterUnderTest, courier: ThinCourier, beginning: str) -> chat_pb.Delivery:
    """The next message that begins so; those before it are taken, too."""
    while True:
        delivery = courier.brought("m")
        router.reported(delivery)
        if delivery.notification.text.startswith(beginning):
            return delivery


def concerns(router: RouterUnderTest) -> list[types.Permission]:
    router.settle()
    return list(router.control.ListPermissions(pb.ListPermissionsRequest(include_closed=True)).permissions)


def over(router: RouterUnderTest) -> str:
    """Who has seen the only one, or why it is over."""
    [one] = wait_until(lambda: [each for each in concerns(router) if each.state != types.PERMISSION_STATE_OPEN])
    return one.decided_by or one.detail


@contextmanager
def living(agent: ThinAgent, session: str) -> Iterator[ThinLink]:
    with agent.connected(sessions=[named(session, label="api")]) as link:
        yield link


def fails(router: RouterUnderTest, agent: ThinAgent, session: str, **origin: object) -> types.Command:
    with living(agent, session) as link:
        command = router.send(session, "make it so", **origin)
        link.commands(1)
        link.receipt(command.command_id)
        how = {"outcome": link_pb.RESULT_OUTCOME_FAILED, "reason": types.REASON_TARGET_GONE}
        link.result(1, command.command_id, **how)
        link.acked(1)
    return command


def happens(router: RouterUnderTest, agent: ThinAgent, session: str, concern: str) -> None:
    """What a session of this name comes to."""
    if concern == "failed":
        fails(router, agent, session, origin=types.Origin(source="telegram", chat=ADA))
        return
    with living(agent, session) as link:
        if concern in ("finished", "said"):
            told = link_pb.Notify(
                upstream_seq=1, notification_id="n-1", session_id=session, text="Done.", ends_turn=concern == "finished"
            )
            link.frame(notify=told)
        elif concern == "limited":
            until = {"seconds": int(router.time.now()) + 3600}
            link.frame(session_update=named(session, upstream_seq=1, label="api", limited_until=until))
        elif concern == "ended":
            link.frame(session_closed=link_pb.SessionClosed(upstream_seq=1, session_id=session, generation=1))
        if concern != "machine-lost":
            link.acked(1)
    if concern == "machine-lost":
        for _ in range(8):  # looked at once a minute
            router.advance(MINUTE + 1)
            router.settle()


@pytest.mark.usefixtures("telegram")
@pytest.mark.parametrize("concern", SAID)
def test_each_is_asked_about_where_somebody_wants_it_and_not_else(
    router: RouterUnderTest, agent: ThinAgent, session: str, concern: str
) -> None:
    others = ", ".join(each for each in SAID if each != concern)

    wants(router, concern)
    happens(router, agent, session, concern)
    [asked] = wait_until(lambda: concerns(router))
    wants(router, others)
    other = router.machine()
    happens(router, other, router.session(other), concern)

    assert asked.input.startswith(SAID[concern])
    assert {each.session_id for each in concerns(router)} == {session}


def test_what_was_told_goes_up_the_ladder_and_who_presses_first_ends_it(
    router: RouterUnderTest, agent: ThinAgent, session: str, telegram: ThinCourier, mail: ThinCourier
) -> None:
    wants(router, "finished")
    happens(router, agent, session, "finished")
    brought(router, telegram, "Done.")
    router.settle()
    at_once = telegram.waiting()
    router.advance(15 * MINUTE + 1)
    again = brought(router, telegram, "🏁 It has finished")
    router.advance(15 * MINUTE)
    elsewhere = brought(router, mail, "🏁 It has finished")
    [seen] = elsewhere.notification.buttons
    pressed = chat_pb.ButtonPress(data=f"cmd:{elsewhere.notification.token}:{seen.action}")
    router.submit(MAIL, button=pressed)
    changed = brought(router, telegram, "🏁"), brought(router, mail, "🏁")
    router.advance(9 * 24 * 3600)
    router.settle()

    assert at_once == 0
    assert labels(again) == ["👁 Seen"]
    assert all("👁 Seen by Ada" in each.notification.text and each.edit_message_ids for each in changed)
    assert (telegram.waiting(), mail.waiting()) == (0, 0)


def test_a_failure_that_came_from_no_chat_is_told_at_once(
    router: RouterUnderTest, agent: ThinAgent, session: str, telegram: ThinCourier
) -> None:
    wants(router, "failed")

    command = fails(router, agent, session)

    told = brought(router, telegram, "⚠️")
    assert "ended badly" in told.notification.text
    assert command.command_id in told.notification.text


def test_a_failure_is_over_once_somebody_decides_about_it(
    router: RouterUnderTest, agent: ThinAgent, session: str, telegram: ThinCourier
) -> None:
    wants(router, "failed")
    command = fails(router, agent, session)
    brought(router, telegram, "⚠️")

    router.control.Redrive(pb.RedriveRequest(command_id=command.command_id))

    assert over(router) == "somebody decided about it"
    assert "somebody decided" in brought(router, telegram, "⚠️").notification.text


def test_a_machine_that_is_lost_is_told_of_once_and_over_when_it_is_back(
    router: RouterUnderTest, agent: ThinAgent, session: str, telegram: ThinCourier
) -> None:
    wants(router, "machine-lost")
    happens(router, agent, session, "machine-lost")
    told = brought(router, telegram, "⚠️ Nothing is heard of")
    with living(agent, session):
        assert over(router) == "the machine is back"

    assert agent.machine_id in told.notification.text
    assert len(concerns(router)) == 1


def test_whoever_writes_to_the_session_has_seen_what_it_said(
    router: RouterUnderTest, agent: ThinAgent, session: str, telegram: ThinCourier
) -> None:
    wants(router, "finished")
    happens(router, agent, session, "finished")
    brought(router, telegram, "Done.")
    router.advance(15 * MINUTE + 1)
    router.reported(telegram.brought("77"))

    router.submit(ADA, "go on", reply_to_message_id="77", reply_to_ours=True)

    assert over(router) == "Ada"
    [command] = router.control.ListCommands(pb.ListCommandsRequest()).commands
    assert command.action.input.text == "go on"


def test_what_nobody_wants_any_more_is_over_all_the_same(
    router: RouterUnderTest, agent: ThinAgent, session: str, telegram: ThinCourier
) -> None:
    wants(router, "machine-lost, finished")
    happens(router, agent, session, "machine-lost")
    brought(router, telegram, "⚠️ Nothing is heard of")
    wants(router, "none")
    with living(agent, session):
        assert over(router) == "the machine is back"

    wants(router, "said")
    router.notify(session, text="Look.")
    brought(router, telegram, "Look.")
    wants(router, "none")
    router.submit(ADA, "/use api")
    router.submit(ADA, "I have seen it")

    assert [each.decided_by for each in concerns(router)] == ["Ada", ""]


def test_who_wants_it_no_more_is_not_asked_again(
    router: RouterUnderTest, agent: ThinAgent, session: str, telegram: ThinCourier
) -> None:
    wants(router, "finished")
    happens(router, agent, session, "finished")
    brought(router, telegram, "Done.")
    wants(router, "failed")
    router.advance(16 * MINUTE)
    router.settle()

    assert telegram.waiting() == 0
    assert [each.state for each in concerns(router)] == [types.PERMISSION_STATE_OPEN]  # in the inbox, until it is seen


def test_whoever_reads_it_in_the_console_has_seen_it(
    router: RouterUnderTest, agent: ThinAgent, session: str, telegram: ThinCourier
) -> None:
    wants(router, "finished")
    happens(router, agent, session, "finished")
    router.advance(15 * MINUTE + 1)
    brought(router, telegram, "🏁")
    newest = router.notifications(session)[0]

    mark = chat_pb.ReadMark(session_id=session, notification_id=newest.notification_id)
    router.chat.MarkRead(chat_pb.MarkReadRequest(login_id=logs_in(router), mark=mark))

    assert over(router) == "web"


def test_of_one_kind_one_waits_and_what_comes_then_is_told_as_always(
    router: RouterUnderTest, session: str, telegram: ThinCourier
) -> None:
    wants(router, "said")
    router.notify(session, text="one")
    router.notify(session, text="two")

    assert [each.input.split("\n\n")[1] for each in concerns(router)] == ["one"]
    assert brought(router, telegram, "two")


def test_what_was_said_to_one_chat_is_asked_about_there_alone(
    router: RouterUnderTest, session: str, telegram: ThinCourier
) -> None:
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name="Bob")).code
    bob = types.ChatRef(transport="telegram", chat_id="6")
    router.chat.Pair(chat_pb.PairRequest(chat=bob, user_id="6", code=code))
    wants(router, "said")
    [known] = [each for each in router.control.ListPeople(pb.ListPeopleRequest()).people if each.person_id]
    router.control.SetLadder(pb.SetLadderRequest(person_id=known.person_id, concerns="said"))

    router.notify(session, ADA, text="for Ada alone")
    router.advance(15 * MINUTE + 1)
    brought(router, telegram, "💬")
    router.settle()

    asked = [note for note in router.notifications(session) if note.permission_id]
    assert [note.chat.chat_id for note in asked] == ["1"]


def test_it_is_kept_over_a_restart(router: RouterUnderTest, session: str) -> None:
    with router.courier("telegram", "1") as courier:
        courier.connected()
        wants(router, "said")
        router.notify(session, text="one")
    router.restart()
    router.advance(15 * MINUTE + 1)
    with router.courier("telegram", "1") as courier:
        assert labels(brought(router, courier, "💬")) == ["👁 Seen"]
    assert wants(router, "") == "said"


def test_it_makes_no_sound_in_quiet_hours_although_it_is_asked(
    router: RouterUnderTest, agent: ThinAgent, session: str, telegram: ThinCourier
) -> None:
    wants(router, "ended")
    hour = time_of_day(router.time.now()).hour
    router.submit(ADA, f"/quiet {hour}-{(hour + 3) % 24}")
    happens(router, agent, session, "ended")

    assert brought(router, telegram, "⏹").silent


def test_what_is_wanted_is_said_in_a_chat_too(router: RouterUnderTest) -> None:
    for said in ("/escalate", "/escalate failed, machine-lost", "/escalate none"):
        router.submit(ADA, said)
    found = router.control.ListNotifications(pb.ListNotificationsRequest()).notifications
    before, after, none = (note.text for note in reversed(found))

    assert "Questions alone" in before
    assert after.endswith("Beside questions, so does: failed, machine-lost.")
    assert "Questions alone" in none


def test_what_is_no_concern_is_asked_back(router: RouterUnderTest) -> None:
    with refusal("INVALID_ARGUMENT"):
        wants(router, "failed, weather")
