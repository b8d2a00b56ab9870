"""A Bot API that answers one method `true`, `null`, 404, 500 or nothing, for ever, silences no chat.

Questions still come within 10 s and notifications within 20 s, each once; what could not be brought is a dead letter
that says why. Some cases run always, all of them with EVERY_CASE=1 in the environment.
"""

import itertools
import os
from pathlib import Path

import pytest
from agentlink.v1 import types_pb2 as types

from tests.fakes.telegram_state import Message
from tests.integration.telegram.broken import ADA, ANSWERS, FORUM, Broken, broken, plot

METHODS = (
    "editMessageText", "editMessageReplyMarkup", "setMessageReaction", "sendDocument", "sendPhoto", "createForumTopic",
    "closeForumTopic", "answerCallbackQuery", "getMe", "getUpdates", "setMyCommands",
)  # fmt: skip
FEW = (
    ("editMessageText", "nothing"), ("editMessageText", "404"), ("editMessageReplyMarkup", "500"),
    ("setMessageReaction", "nothing"), ("setMessageReaction", "null"), ("sendDocument", "nothing"),
    ("sendDocument", "true"), ("sendPhoto", "404"), ("createForumTopic", "nothing"), ("createForumTopic", "true"),
    ("closeForumTopic", "500"), ("answerCallbackQuery", "nothing"), ("getMe", "404"), ("getUpdates", "null"),
)  # fmt: skip
EVERY_CASE = bool(os.environ.get("EVERY_CASE"))
CASES = tuple(itertools.product(METHODS, ANSWERS)) if EVERY_CASE else FEW
NO_ANSWERS = ("404", "500", "nothing") if EVERY_CASE else ("500",)
WHY = {
    "404": "404 Not Found: method not found",
    "500": "500 Internal Server Error",
    "nothing": "no answer from Telegram",
}
FILES = {"sendDocument": "here is log.txt", "sendPhoto": "here is plot.png"}
CHOICE = [types.Button(label="Go on", action="continue")]
QUESTION_S, NOTIFICATION_S = 10.0, 20.0
DEAD, DELIVERED = types.NOTIFICATION_STATE_DEAD, types.NOTIFICATION_STATE_DELIVERED
REST = (
    (ADA, "choose"), (ADA, "here is log.txt"), (ADA, "here is plot.png"), (ADA, "about question-1"),
    (ADA, "after all that"), (FORUM, "first in its topic"), (FORUM, "about question-1"), (FORUM, "after all that"),
)  # fmt: skip


def everything(world: Broken) -> list[Message]:
    """What needs each of the methods, and then a question and a notification, which come in time.

    Returns what people wrote to the session: a line that had to wait for the machine, and one that had not.
    """
    world.passes(30, 5)  # a courier that has just begun is careful
    world.wants_topics()
    away, waited = world.is_told("while it is away")
    assert world.within(60, lambda: world.shows("devbox is away"))
    with world.machine.connected() as link:
        world.carries_out(link, away)
        command, written = world.is_told("do this")
        world.carries_out(link, command)
        world.says("choose", ADA, buttons=CHOICE)
        assert world.within(60, lambda: world.shows("choose"))
        world.carries_out(link, world.presses("Go on", world.shows("choose")[0]))
        world.sends_a_file("log.txt", b"one line")
        world.sends_a_file("plot.png", plot())
        world.says("first in its topic", FORUM)
        world.asks(link, "question-1")
        assert world.within(QUESTION_S, lambda: all(world.shows("about question-1", chat) for chat in (ADA, FORUM)))
        world.says("after all that")
        assert world.within(NOTIFICATION_S, lambda: all(world.shows("after all that", chat) for chat in (ADA, FORUM)))
    world.ends()
    world.passes(120, 5)
    return [waited, written]


def ends_shown(world: Broken, written: Message) -> int:
    """How often a person is shown that what they wrote was typed."""
    lines = [m for m in world.shows("✅ Typed into api.") if m.reply_to is written]
    return len(lines) + bool(written.reaction)


@pytest.mark.parametrize(("method", "answer"), CASES, ids=lambda value: value)
def test_the_rest_arrives_in_time_and_once(data_dir: Path, method: str, answer: str) -> None:
    with broken(data_dir, method, answer) as world:
        written = everything(world)

        lost = {FILES.get(method, "")} if answer in WHY else set()
        dead = {each.text: each.detail for each in world.dead_letters()}
        assert {(c, text): len(world.shows(text, c)) for c, text in REST if text not in lost} == {
            (c, text): 1 for c, text in REST if text not in lost
        }
        assert [ends_shown(world, each) for each in written] == [1, 1]
        assert set(dead) == lost - {""}
        assert [WHY[answer] in why for why in dead.values()] == [True] * len(dead)
        assert [len(world.shows(f"could not be shown here ({why}")) for why in dead.values()] == [1] * len(dead)
        assert {each.state for each in world.notes()} <= {DELIVERED, DEAD}


@pytest.mark.parametrize("answer", ["true", "null"])
def test_what_is_sent_without_its_id_arrives_in_time_and_once(data_dir: Path, answer: str) -> None:
    with broken(data_dir, "sendMessage", answer) as world, world.machine.connected() as link:
        world.says("one", ADA)
        world.asks(link, "question-1")
        asked = world.within(QUESTION_S, lambda: all(world.shows("about question-1", c) for c in (ADA, FORUM)))
        world.says("two")
        told = world.within(NOTIFICATION_S, lambda: all(world.shows("two", c) for c in (ADA, FORUM)))
        world.passes(120, 5)

        assert (asked, told, world.dead_letters()) == (True, True, [])
        assert [len(world.shows(text)) for text in ("one", "two", "about question-1")] == [1, 1, 1]
        assert {each.state for each in world.notes()} == {DELIVERED}
        assert ["did not tell its message id" in each.detail for each in world.notes()] == [True] * 5


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_where_no_message_can_be_sent_files_still_are_and_all_else_waits_and_ends_with_its_reason(
    data_dir: Path, answer: str
) -> None:
    with broken(data_dir, "sendMessage", answer) as world:
        with world.machine.connected() as link:
            world.says("one", ADA)
            world.asks(link, "question-1")
            world.sends_a_file("log.txt", b"one line")
            sent = world.within(NOTIFICATION_S, lambda: world.shows("here is log.txt"))
        world.passes(8 * 3600, 301)

        assert sent
        assert [m.extra.get("caption", m.text).count("here is log.txt") for m in world.telegram.bot_messages(ADA)] == [
            1
        ]
        assert {each.state for each in world.notes() if "log.txt" not in each.text} == {DEAD}
        assert {"one", "🔐 May it use Bash?"} <= {each.text.split("\n")[0] for each in world.dead_letters()}
        assert [WHY[answer] in each.detail for each in world.dead_letters()] == [True] * len(world.dead_letters())
