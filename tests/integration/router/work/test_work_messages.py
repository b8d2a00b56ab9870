"""What a chat sees of a turn: nothing, one message that changes, or all of it."""

from itertools import pairwise

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from router.services import work_events
from router.services.outbox import work_messages
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.pressing import labels, last_line, press
from tests.integration.router.work.working import (
    BUSY,
    HERE,
    IDLE,
    WORK,
    Worker,
    began,
    ended,
    extra,
    plan,
    said,
    setting,
    shown,
)
from tests.rigs.thin_courier import ThinCourier


def test_settings_are_told_and_changed_by_a_button_once(router: RouterUnderTest, courier: ThinCourier) -> None:
    router.submit(HERE, "/settings")
    asked = courier.brought("500")
    told = press(router, asked, "Progress")
    changed = courier.brought("500")

    assert asked.notification.text.startswith("Quiet:")
    assert "Topics: off" in asked.notification.text
    assert labels(asked) == ["Quiet", "Progress", "Everything"]
    assert told.answer.startswith("Progress:")
    assert last_line(changed) == "✓ Progress — Ada, 12:00"
    assert press(router, asked, "Everything").answer == "Already answered: Progress"
    assert setting(router, courier, "").startswith("Progress:")


def test_a_setting_outlives_the_router_and_is_of_its_chat_alone(router: RouterUnderTest) -> None:
    router.submit(HERE, "/settings progress")
    router.restart()
    elsewhere = types.ChatRef(transport="test", chat_id="2", message_id="1")

    assert router.submit(HERE, "/settings").answer.startswith("Progress")
    assert router.submit(elsewhere, "/settings").answer.startswith("Quiet")


def test_without_a_wish_nothing_of_a_turn_is_shown(courier: ThinCourier, worker: Worker) -> None:
    worker.does(BUSY, began("a"))
    worker.pause(10)
    worker.finishes("Done.")
    done = courier.brought("7")

    assert (done.kind, done.notification.text) == (chat_pb.DELIVERY_KIND_PROGRESS, "Done.")
    assert done.notification.markdown
    assert courier.waiting() == 0


@pytest.mark.usefixtures("progress")
def test_a_turn_is_one_message_that_changes_and_its_end_is_another(courier: ThinCourier, worker: Worker) -> None:
    worker.does(BUSY, began("a", "npm test"), plan("+look", ".fix", "test"))
    worker.pause()
    first = shown(courier, "7")
    worker.does(ended("a", "ok"), began("b", "src/a.py", "Edit", 2), began("c", "x_y.py", "Read", 1))
    worker.pause()
    change = courier.brought("7")
    worker.finishes("**All** done.")
    answer = courier.brought("8")
    worker.does(ended("b"), ended("c"), said("**All** done."), IDLE)
    worker.pause()
    folded = courier.brought("7")
    worker.pause(20)

    assert first == "⚙️ Working · 1 command\n▸ **Bash** `npm test`\n☑ look\n▶ fix\n☐ test"
    assert list(change.edit_message_ids) == ["7"]
    assert change.notification.text.splitlines()[:3] == [
        "⚙️ Working · 1 command, 1 edit, 1 read", "▸ **Edit** `src/a.py`", "▸ **Read** `x_y.py`",
    ]  # fmt: skip
    assert (answer.kind, answer.silent, answer.notification.text) == (3, False, "**All** done.")
    assert list(folded.edit_message_ids) == ["7"]
    assert folded.notification.text.startswith("☑️ Worked ")
    assert folded.notification.text.endswith(": 1 command, 1 edit, 1 read")
    assert courier.waiting() == 0


@pytest.mark.usefixtures("progress")
def test_of_many_changes_only_the_newest_is_sent_and_not_often(courier: ThinCourier, worker: Worker) -> None:
    worker.does(BUSY)
    worker.pause()
    sent = [extra(courier, "7")]
    for number in range(30):
        worker.does(began(f"{number}", f"step {number}"), ended(f"{number}"))
    sent += changes_until("⚙️ Working · 30 commands", courier, worker)
    worker.does(began("last", "step 30"))
    sent += changes_until("⚙️ Working · 31 commands\n▸ **Bash** `step 30`", courier, worker)
    moments = [each.notification.created_at.ToMicroseconds() / 1e6 for each in sent]

    assert len(sent) < 30  # three, unless to tell of thirty takes long
    assert min(later - sooner for sooner, later in pairwise(moments)) > work_messages.EVERY - 0.001


def changes_until(text: str, courier: ThinCourier, worker: Worker) -> list[chat_pb.Delivery]:
    """What is sent until the newest says this."""
    sent: list[chat_pb.Delivery] = []
    while not sent or sent[-1].notification.text != text:
        worker.until(courier.waiting)
        sent.append(extra(courier, "7"))
    return sent


@pytest.mark.usefixtures("progress")
def test_a_turn_of_a_moment_shows_nothing_but_its_end(courier: ThinCourier, worker: Worker) -> None:
    worker.does(BUSY, began("a"), ended("a"), said("Done."), IDLE)
    worker.finishes("Done.")
    answer = courier.brought("7")
    worker.pause(20)

    assert answer.notification.text == "Done."
    assert courier.waiting() == 0


@pytest.mark.usefixtures("progress")
def test_where_its_session_does_not_tell_the_end_the_router_does(courier: ThinCourier, worker: Worker) -> None:
    worker.does(BUSY, began("a"))
    worker.pause()
    shown(courier, "7")
    worker.does(ended("a"), said("The answer is *42*."), IDLE)
    worker.pause(work_events.GRACE + 5)
    told = {delivery.kind: delivery.notification for delivery in (courier.brought("7"), courier.brought("8"))}

    assert told[WORK].text.startswith("☑️ Worked")
    assert (told[chat_pb.DELIVERY_KIND_PROGRESS].text, told[chat_pb.DELIVERY_KIND_PROGRESS].markdown) == (
        "The answer is *42*.", True,
    )  # fmt: skip


@pytest.mark.usefixtures("progress")
def test_an_older_agent_that_does_not_say_that_it_is_the_end_is_not_repeated(
    courier: ThinCourier, worker: Worker
) -> None:
    worker.does(BUSY, began("a"))
    worker.pause()
    shown(courier, "7")
    worker.says("✅ Finished.\n\nThe answer is 42.")
    courier.brought("8")
    worker.does(ended("a"), said("The answer is 42."), IDLE)
    worker.pause(20)

    assert shown(courier, "7").startswith("☑️ Worked")
    assert courier.waiting() == 0


@pytest.mark.usefixtures("everything")
def test_everything_is_words_between_tools_and_tools_with_what_they_said(courier: ThinCourier, worker: Worker) -> None:
    worker.does(BUSY, said("I look at the tests."), began("a", "npm test"), ended("a", "1 failed", failed=True))
    worker.pause()
    shown(courier, "7")
    worker.pause()
    steps = courier.brought("8")
    worker.does(said("Fixed."))
    worker.finishes("Fixed.")
    answer = courier.brought("9")
    worker.does(IDLE)
    worker.pause(20)

    assert steps.notification.text == "I look at the tests.\n\n✗ **Bash** `npm test`\n```\n1 failed\n```"
    assert not steps.edit_message_ids
    assert answer.notification.text == "Fixed."
    assert shown(courier, "7").startswith("☑️ Worked")
    assert courier.waiting() == 0


@pytest.mark.usefixtures("everything")
def test_of_much_the_newest_is_told_and_the_rest_counted(courier: ThinCourier, worker: Worker) -> None:
    worker.does(BUSY)
    worker.pause()
    shown(courier, "7")
    for number in range(40):
        worker.does(began(f"{number}", f"step {number}"), ended(f"{number}", "x" * 500))
    told = list[str]()
    while not told or "step 39" not in told[-1]:  # some may be told before the last has come
        worker.pause()
        told.append(shown(courier, f"{8 + len(told)}"))

    left_out = [int(one.split()[1]) for one in told if one.startswith("… ")]
    shown_alone = sum(one.count("**Bash**") for one in told)
    assert left_out
    assert sum(left_out) + shown_alone == 40
    assert max(map(len, told)) < 4000


@pytest.mark.usefixtures("progress")
def test_a_turn_that_follows_at_once_has_a_message_of_its_own_and_the_first_says_that_it_is_over(
    courier: ThinCourier, worker: Worker
) -> None:
    worker.does(BUSY, began("a"))
    worker.pause()
    first = courier.take()
    worker.finishes("Done.")
    worker.does(ended("a"), IDLE, BUSY, began("b"), began("c"))
    worker.pause()
    courier.delivered(first, "7")
    courier.brought("8")
    worker.until(courier.waiting)
    over = courier.brought("7")
    worker.until(courier.waiting)
    second = courier.brought("9")

    assert (list(over.edit_message_ids), over.notification.text[:10]) == (["7"], "☑️ Worked ")
    assert over.notification.text.endswith(": 1 command")
    assert (list(second.edit_message_ids), second.notification.text.split("\n")[0]) == ([], "⚙️ Working · 2 commands")
