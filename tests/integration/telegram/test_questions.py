"""Permission questions in a Telegram group: shown, answered once by whoever may, told how they ended."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import types_pb2 as types

from tests.integration.router.permissions.asking import COLOURS, DAY, ask, decision, respond, standing, withdraw
from tests.integration.telegram.scene import BOB, GROUP, MALLORY, Scene, playing
from tests.rigs.thin_agent import ThinLink
from webhook_adapter.config import TelegramConfig
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.lifecycle import Outcome
from webhook_adapter.transports.telegram.inbound.files import NO_FILE
from webhook_adapter.transports.telegram.inbound.intake import Intake

ALLOW, ALWAYS, DENY, REASON = "✅ Allow", "git …, always", "❌ Deny", "💬 Deny with reason"
OPEN = types.PERMISSION_STATE_OPEN


@pytest.fixture
def scene(data_dir: Path) -> Iterator[Scene]:
    with playing(data_dir) as scene:
        yield scene


@pytest.fixture
def link(scene: Scene) -> Iterator[ThinLink]:
    with scene.linked() as link:
        yield link


def test_the_first_press_decides_and_the_message_says_whose_it_was(scene: Scene, link: ThinLink) -> None:
    asked = ask(link, scene.session)
    question = scene.sees("May it use Bash?")
    assert ("devbox · api" in question.text, "git push" in question.text) == (True, True)
    assert list(question.buttons) == [ALLOW, ALWAYS, DENY, REASON]
    assert max(len(data.encode()) for data in question.buttons.values()) <= 64
    old = dict(question.buttons)

    assert "Allowed by User 12" in scene.presses(question, ALWAYS, BOB)
    assert decision(link) == types.PermissionDecision(permission_id=asked, input_digest="d1", option_id="always")
    scene.sees_over(question, "✅ Allowed by User 12")
    assert "Allowed by User 12" in scene.presses(question, DENY, data=old[DENY])
    assert link.waiting() == 0


def test_a_reply_denies_with_its_reason_and_a_late_one_is_told_that_it_came_too_late(
    scene: Scene, link: ThinLink
) -> None:
    asked = ask(link, scene.session)
    question = scene.sees("May it use Bash?")
    assert "Reply to this message" in scene.presses(question, REASON)
    scene.replies(question, "not on a Friday")

    assert decision(link) == types.PermissionDecision(
        permission_id=asked, input_digest="d1", option_id="deny", text="not on a Friday"
    )
    scene.sees_over(question, "not on a Friday")
    scene.replies(question, "or on a Saturday", BOB)
    scene.sees("Your text was not typed")
    assert link.waiting() == 0


def test_a_choice_and_an_answer_in_own_words(scene: Scene, link: ThinLink) -> None:
    fields: dict[str, Any] = {"kind": types.PERMISSION_KIND_QUESTION, "options": COLOURS}
    ask(link, scene.session, input="Which colour?", **fields)
    first = scene.sees("Which colour?")
    assert list(first.buttons) == ["Blue"]
    scene.presses(first, "Blue")
    assert decision(link).option_id == "blue"
    scene.sees_over(first, "Blue")
    ask(link, scene.session, seq=2, input="Which shape?", **fields)
    second = scene.sees("Which shape?")
    scene.replies(second, "a circle, if it must be")

    assert decision(link).text == "a circle, if it must be"
    scene.sees_over(second, "a circle, if it must be")


def test_who_may_not_is_refused_and_nothing_happens(scene: Scene, link: ThinLink) -> None:
    asked = ask(link, scene.session)
    question = scene.sees("May it use Bash?")

    assert "may not press" in scene.presses(question, ALLOW, MALLORY)
    assert standing(scene.router, asked).state == OPEN
    scene.presses(question, DENY)
    assert decision(link).option_id == "deny"
    assert link.waiting() == 0


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (types.PERMISSION_STATE_ANSWERED_ELSEWHERE, "Answered at the terminal"),
        (types.PERMISSION_STATE_WITHDRAWN, "Not asked any more"),
        (types.PERMISSION_STATE_EXPIRED, "Nobody answered in time"),
    ],
)
def test_what_ended_at_the_terminal_says_so_and_its_buttons_are_stale(
    scene: Scene, link: ThinLink, state: Any, words: str
) -> None:
    asked = ask(link, scene.session)
    question = scene.sees("May it use Bash?")
    allow = question.buttons[ALLOW]
    withdraw(link, asked, state)

    scene.sees_over(question, words)
    assert words in scene.presses(question, ALLOW, data=allow)
    assert link.waiting() == 0


def test_an_answer_from_elsewhere_is_told_in_the_chat(scene: Scene, link: ThinLink) -> None:
    asked = ask(link, scene.session)
    question = scene.sees("May it use Bash?")
    respond(scene.router, asked, "deny", text="use the sandbox")

    scene.sees_over(question, "❌ Denied by ada")
    assert "use the sandbox" in question.text


def test_after_days_and_a_restart_of_everything_the_old_button_still_decides(scene: Scene) -> None:
    with scene.linked() as link:
        asked = ask(link, scene.session, expires_in={"seconds": 7 * DAY})
        question = scene.sees("May it use Bash?")
    scene.restart()
    scene.router.advance(3 * DAY)

    with scene.linked() as link:
        scene.presses(question, ALLOW)
        assert decision(link).permission_id == asked
        scene.sees_over(question, "✅ Allowed by")


def test_a_question_waits_longer_than_a_day_for_a_chat_that_cannot_be_reached(scene: Scene) -> None:
    with scene.courier():
        pass  # so the chat is known; then nobody is there
    with scene.machine.connected() as link:
        ask(link, scene.session)
    scene.router.advance(2 * DAY)
    scene.router.settle()

    with scene.courier():
        assert list(scene.sees("May it use Bash?").buttons) == [ALLOW, ALWAYS, DENY, REASON]


def test_a_question_of_many_messages_ends_on_the_one_with_the_buttons(scene: Scene, link: ThinLink) -> None:
    plan = "\n".join(f"{number}. do what has to be done" for number in range(400))
    asked = ask(link, scene.session, input=plan, kind=types.PERMISSION_KIND_PLAN)
    question = scene.sees("399. do what has to be done")
    first = scene.sees("It has a plan")
    assert (first is question, list(first.buttons), len(question.buttons)) == (False, [], 4)
    scene.replies(first, "leave out the last step")

    assert decision(link).text == "leave out the last step"
    scene.sees_over(question, "❌ Denied by")
    assert "1. do what" in first.text
    assert standing(scene.router, asked).text == "leave out the last step"


def test_the_same_press_ten_times_is_one_decision(scene: Scene) -> None:
    with scene.linked() as link:
        ask(link, scene.session)
        question = scene.sees("May it use Bash?")
    update = {
        "update_id": 900,
        "callback_query": {
            "id": "77",
            "from": {"id": BOB, "is_bot": False, "first_name": "Bob"},
            "message": {"message_id": question.message_id, "date": 1, "chat": {"id": GROUP}},
            "data": question.buttons[ALLOW],
        },
    }
    telegram = scene.settings().telegram
    assert isinstance(telegram, TelegramConfig)
    client = RouterClient(scene.settings())
    door = Intake(telegram, client.submit, lambda _key, _attached: NO_FILE, client.report_stranger)
    received = [door.receive(update) for _ in range(10)]
    client.close()

    assert [each.outcome for each in received] == [Outcome.STORED, *[Outcome.DUPLICATE] * 9]
    assert {each.answer for each in received} == {received[0].answer}
    with scene.machine.connected() as link:
        assert decision(link).option_id == "allow"
        link.heard()
        assert link.waiting() == 0
