"""How a command ended well is told when a courier can bring it: each once, in order, and after a restart, too."""

import json
import sqlite3
from contextlib import closing

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from router.clock import SteadyClock
from router.domain.command import ChatRef
from router.services.outbox import status_lines
from router.services.outbox.status_lines import OWED_ENDS, StatusLines
from router.store import chats, meta
from router.store.database import Transaction
from router.store.migrations import migrate
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

DAY = 24 * 3600.0
FAILED = {"outcome": link_pb.RESULT_OUTCOME_FAILED, "reason": types.REASON_TARGET_GONE}


def written(router: RouterUnderTest, session: str, *numbers: int) -> list[str]:
    """Texts of a person, each a message of this number; the commands that they became."""
    chats = [types.ChatRef(transport="test", chat_id="1", message_id=str(each)) for each in numbers]
    return [router.submit(chat, f"text {chat.message_id}", session_id=session).command_id for chat in chats]


def carried_out(router: RouterUnderTest, link: ThinLink, session: str, *numbers: int) -> list[str]:
    """The same, typed by the machine; the numbers of its reports are those of the messages, from 1 on."""
    commands = written(router, session, *numbers)
    link.commands(len(numbers))
    for number, command in zip(numbers, commands, strict=True):
        link.result(number, command)
    link.acked(numbers[-1])
    return commands


def told(courier: ThinCourier, count: int) -> list[tuple[str, str, bool]]:
    """The next deliveries: of which command, under which message, and whether a mark says it."""
    some = [courier.brought(f"5{number:02}") for number in range(count)]
    return [(each.notification.command_id, each.reply_to_message_id, each.as_mark) for each in some]


def brings_nothing(router: RouterUnderTest) -> bool:
    """Whether a courier that comes now is given nothing."""
    with router.courier("test", "1") as courier:
        router.settle()
        return courier.waiting() == 0


def test_nothing_is_written_before_a_courier_comes_and_then_each_is_told_in_order(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        commands = carried_out(router, link, session, 1, 2, 3)
    before = router.notifications(session)
    with router.courier("test", "1") as courier:
        lines = told(courier, 3)

    assert before == []
    assert lines == [(each, str(number), True) for number, each in enumerate(commands, 1)]
    assert brings_nothing(router)


def test_a_router_that_ended_between_a_result_and_its_line_tells_it_once(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        commands = carried_out(router, link, session, 1, 2)
    router.restart()
    with router.courier("test", "1") as courier:
        first = courier.take()  # and the router ends before it hears of it
        router.restart()
    with router.courier("test", "1") as courier:
        lines = told(courier, 2)
        router.settle()
    router.restart()

    assert (first.notification.command_id, first.notification.text) == (commands[0], f"✅ Typed into {session}.")
    assert lines == [(commands[0], "1", True), (commands[1], "2", True)]
    assert brings_nothing(router)
    assert len(router.notifications(session)) == 2


def test_what_ended_while_the_chat_was_busy_comes_as_one_line_and_each_has_its_story(
    router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier
) -> None:
    with agent.connected() as link:
        carried_out(router, link, session, 1)
        busy = courier.take()
        commands = carried_out(router, link, session, 2, 3, 4, 5)
        owed = len(router.notifications(session))
        courier.delivered(busy)
        router.reported(line := courier.brought("500"))

    assert owed == 1
    assert line.notification.text == f"✅ {session} has got this and the 3 before it."
    assert line.reply_to_message_id == "5"
    assert len(router.notifications(session)) == 5
    for command in commands:
        assert [step.event for step in router.trace(command) if step.subject_id != command] == [
            *("Accepted", "Leased", "Delivered")
        ]


def test_a_bad_end_comes_behind_the_good_ones_before_it(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        good = carried_out(router, link, session, 1)
        [bad] = written(router, session, 2)
        link.result(2, bad, **FAILED)
        link.acked(2)
        written_then = [note.command_id for note in router.notifications(session)]
        more = carried_out(router, link, session, 3)
    with router.courier("test", "1") as courier:
        lines = told(courier, 3)

    assert written_then == [bad, *good]
    assert [command for command, *_ in lines] == [*good, bad, *more]


def test_the_line_says_what_is_so_when_it_is_made(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        [command] = carried_out(router, link, session, 1)
        link.result(2, command, outcome=link_pb.RESULT_OUTCOME_NOT_TAKEN)
        link.acked(2)
    with router.courier("test", "1") as courier:
        line = courier.brought("500")

    assert "has not taken it" in line.notification.text
    assert (line.as_mark, list(line.edit_message_ids)) == (False, [])
    assert brings_nothing(router)


def test_results_and_couriers_that_come_at_once_tell_each_end_once(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        commands = written(router, session, *range(1, 31))
        link.commands(30)
        for number, command in enumerate(commands[:10], 1):
            link.result(number, command)
        with router.courier("test", "1") as courier:
            for number, command in enumerate(commands[10:], 11):
                link.result(number, command)
            ended = set(commands)
            while ended:  # each in a line of its own or in one with others, of which its trace tells
                router.reported(courier.brought("500"))
                ended = {each for each in ended if "Delivered" not in {step.event for step in router.trace(each)}}
            router.settle()
            left = courier.waiting()

    assert left == 0
    assert sorted(note.command_id for note in router.notifications(session)) == sorted(commands)


def test_more_than_are_written_at_once_are_all_told(
    router: RouterUnderTest, agent: ThinAgent, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_lines, "MOST_ENDS", 2)
    with agent.connected() as link:
        commands = carried_out(router, link, session, *range(1, 6))
    held = types.ChatRef(transport="test", chat_id="1")
    router.notify(session, held, text="first")
    with router.courier("test", "1") as courier:
        courier.take()  # and says nothing of it: what is still owed waits for no receipt
        router.settle()
        rows = router.notifications(session)

    assert sorted(note.command_id for note in rows if note.command_id) == sorted(commands)


def test_after_days_nobody_is_told(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        carried_out(router, link, session, 1)
    router.advance(2 * DAY + 60.0)

    assert brings_nothing(router)


def test_a_chat_that_moved_meanwhile_is_told_under_its_new_id(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        carried_out(router, link, session, 1)
    router.write(lambda tx: chats.move(tx, ChatRef("test", "1"), ChatRef("test", "-100")))
    with router.courier("test") as courier:
        line: chat_pb.Delivery = courier.brought("500")

    assert line.notification.chat == types.ChatRef(transport="test", chat_id="-100", message_id="1")


def test_an_end_of_a_machine_that_has_just_gone_is_told_once(
    router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier
) -> None:
    """What waits there is owed a line, too, with which all that is owed is written: of this end as well."""
    moved = types.ChatRef(transport="test", chat_id="7", message_id="3")
    with agent.connected() as link:
        carried_out(router, link, session, 1)
        courier.take()  # and says nothing of it: what ends for this chat is owed
        [owed] = written(router, session, 2)
        last = router.submit(moved, "text", session_id=session).command_id
        link.commands(2)
        link.result(2, owed)
        link.acked(2)
        router.write(lambda tx: chats.move(tx, ChatRef("test", "7"), ChatRef("test", "-100")))
        there = router.router._delivery._hub.get(agent.machine_id)
        assert there is not None
        there.gone = True  # as where the stream ends while its last results are on their way to the disk
        link.result(3, last)
        wait_until(lambda: router.command(last).state == types.COMMAND_STATE_DONE)
        rows = router.notifications(session)

    assert [note.command_id for note in rows].count(last) == 1


def test_what_is_undone_is_not_owed() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        lines = StatusLines(SteadyClock(), str, str, lambda _: False)
        known = []
        for undone in (True, False):
            connection.execute("BEGIN")
            tx = Transaction(connection)
            lines.owe_end(tx, "test", 5.0)
            lines.owe_end(tx, "test", 7.0)
            if undone:
                tx.undo()
            connection.execute("ROLLBACK" if undone else "COMMIT")
            known.append(("test" in lines.owed_ends, json.loads(meta.get(connection, OWED_ENDS) or "{}")))

    assert known == [(False, {}), (True, {"test": 5.0})]
