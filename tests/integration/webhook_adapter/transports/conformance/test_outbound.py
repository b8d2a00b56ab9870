"""What every chat platform must do with what the router wants brought.

Each platform gives the suite a stage (stages.py); what it cannot do at all, its stage says, and its transport too.
"""

import pytest

from tests.integration.webhook_adapter.transports.conformance.play import BUTTONS, Play, over
from tests.integration.webhook_adapter.transports.conformance.stages import Can, TelegramStage
from tests.waiting import wait_until
from webhook_adapter.courier.verbs import MARK
from webhook_adapter.transports.transport import ChatRef, Deletes, Delivered, Edits, Reacts, Refused, ShowsTyping

LONG = " ".join(f"word-{number}" for number in range(1200))
DIGEST = "12 messages since 9:00\n" + "\n".join(f"• step {number} is done" for number in range(12))
ASKED = {"session_id": "s1", "machine_id": "devbox", "session_label": "api"}


def test_a_transport_says_which_verbs_it_has(play: Play) -> None:
    verbs = {Can.EDIT: Edits, Can.MARK: Reacts, Can.DELETE: Deletes, Can.TYPE: ShowsTyping}

    assert {can for can, verb in verbs.items() if issubclass(play.stage.transport, verb)} == play.stage.can & {*verbs}


def test_a_message_is_shown_with_its_heading_and_its_receipt_names_it(play: Play) -> None:
    parcel = play.brings("Finished <all> & a_b", **ASKED)

    assert [each.text for each in play.shown(parcel)] == ["devbox · api\nFinished <all> & a_b"]


def test_buttons_say_what_a_press_sends_back(play: Play) -> None:
    [message] = play.shown(play.brings("Go on?", buttons=BUTTONS))

    assert message.buttons == {
        "Go on": "cmd:tok16characters_:continue",
        "Stop": "cmd:tok16characters_:exit",
    }


@over(without=Can.CUT)
def test_of_a_long_message_nothing_is_missing_and_its_buttons_come_last(play: Play) -> None:
    *before, last = play.shown(play.brings(LONG, buttons=BUTTONS))

    assert " ".join(each.text for each in [*before, last]).split() == LONG.split()
    assert [list(each.buttons) for each in before] == [[] for _ in before]
    assert list(last.buttons) == ["Go on", "Stop"]


@over(Can.CUT)
def test_a_long_message_is_cut_where_people_see_it(play: Play) -> None:
    [message] = play.shown(play.brings(LONG, buttons=BUTTONS))

    assert message.text.endswith("…")
    assert LONG.startswith(message.text.removesuffix("…"))
    assert list(message.buttons) == ["Go on", "Stop"]


def test_a_digest_is_one_message_with_one_receipt(play: Play) -> None:
    digest = play.brings(DIGEST, **ASKED)

    assert [each.text for each in play.shown(digest)] == [f"devbox · api\n{DIGEST}"]
    assert len(digest.receipts) == 1


def test_messages_to_one_chat_keep_their_order(play: Play) -> None:
    parcels = [play.put(f"message {number}") for number in range(5)]
    play.router.wait_until_ended(*parcels)

    assert [each.text for each in play.stage.shown()] == [f"message {number}" for number in range(5)]


def test_a_change_shows_the_new_words(play: Play) -> None:
    first = play.brings("May it?", kind=1, buttons=BUTTONS)
    change = play.brings("It may.", kind=1, edit_message_ids=first.message_ids)

    [message] = play.shown(change)
    assert (message.text, message.buttons) == ("It may.", {})


@over(Can.EDIT)
def test_a_change_keeps_its_place(play: Play) -> None:
    first = play.brings("May it?", buttons=BUTTONS)
    play.brings("something else")
    change = play.brings("It may.", edit_message_ids=first.message_ids)

    assert change.message_ids == first.message_ids
    assert [each.text for each in play.stage.shown()] == ["It may.", "something else"]


def test_a_change_of_what_is_gone_comes_anew(play: Play) -> None:
    [message] = play.shown(play.brings("It may.", edit_message_ids=["4096"]))

    assert message.text == "It may."


def test_what_only_takes_buttons_away_is_done_whatever_the_platform_can(play: Play) -> None:
    first = play.brings("Go on?", buttons=BUTTONS)
    taken = play.brings("", edit_message_ids=first.message_ids)

    assert taken.message_ids == first.message_ids
    assert [each.text for each in play.shown(taken)] == ["Go on?"]


@over(Can.EDIT)
def test_what_takes_buttons_away_takes_them(play: Play) -> None:
    first = play.brings("Go on?", buttons=BUTTONS)
    play.brings("", edit_message_ids=first.message_ids)

    assert [each.buttons for each in play.stage.shown()] == [{}]


def test_what_a_mark_would_say_is_said_by_a_mark_or_by_words(play: Play) -> None:
    parcel = play.brings("✅ Typed.", kind=2, reply_to_message_id=play.stage.asks(), as_mark=True)

    assert [each.text for each in play.shown(parcel)] == ([] if Can.MARK in play.stage.can else ["✅ Typed."])


@over(Can.FILES)
def test_a_file_arrives_whole(play: Play) -> None:
    play.router.files["log.txt"] = [b"first part, ", b"second part"]

    [message] = play.shown(play.brings("the log", files=["log.txt"], **ASKED))

    assert (message.text, message.files) == ("devbox · api\nthe log", (b"first part, second part",))


@over(Can.FILES)
def test_a_file_that_the_router_has_no_more_is_refused_with_its_words(play: Play) -> None:
    play.router.files["log.txt"] = [b"all of it"]
    play.router.lost_files.add("log.txt")

    parcel = play.brings("the log", files=["log.txt"])

    assert parcel.receipts[0].refused.detail == "it is gone"
    assert not parcel.receipts[0].refused.chat_closed


def test_a_message_in_a_topic_is_brought_with_topics_or_without(play: Play) -> None:
    chat = TelegramStage.forum if isinstance(play.stage, TelegramStage) else ""
    parcel = play.brings("hello", chat, topic_title="api · devbox")

    [message] = play.shown(parcel)
    assert message.text == "hello"
    assert (message.thread_id == parcel.receipts[0].delivered.thread_id != "") == (Can.TOPICS in play.stage.can)


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "with a sound"])
def test_a_silent_message_makes_no_sound_where_there_are_sounds(play: Play, silent: bool) -> None:
    [message] = play.shown(play.brings("hello", silent=silent))

    assert message.silent == (silent and Can.SILENCE in play.stage.can)


@over(Can.ANSWER)
def test_an_answer_shows_what_it_answers(play: Play) -> None:
    first = play.brings("hello")
    [answer] = play.shown(play.brings("and more", kind=4, reply_to_message_id=first.message_ids[0]))

    assert answer.answers == first.message_ids[0]


# --- what not every platform can do, by itself ---


@over(Can.MARK)
def test_a_mark_is_put_on_a_message_and_taken_off(play: Play) -> None:
    asked, chat = play.stage.asks(), ChatRef(play.stage.chat)
    with play.transport() as transport:
        assert isinstance(transport, Reacts)
        put, marked = transport.react(chat, asked, MARK), play.stage.marks(asked)
        taken = transport.react(chat, asked, "")

    assert (put, taken) == (Delivered(()), Delivered(()))
    assert (marked, play.stage.marks(asked)) == ([MARK], [])


@over(Can.MARK)
def test_a_mark_that_cannot_be_put_is_refused(play: Play) -> None:
    with play.transport() as transport:
        assert isinstance(transport, Reacts)
        assert isinstance(transport.react(ChatRef(play.stage.chat), "4096", MARK), Refused)


@over(Can.DELETE)
def test_a_deleted_message_is_gone_however_often(play: Play) -> None:
    [message_id] = play.brings("hello").message_ids
    with play.transport() as transport:
        assert isinstance(transport, Deletes)
        assert [transport.delete(ChatRef(play.stage.chat), message_id) for _ in range(2)] == [True, True]

    assert play.stage.shown() == []


@over(Can.TYPE)
def test_typing_is_shown_and_is_no_message(play: Play) -> None:
    with play.transport() as transport:
        assert isinstance(transport, ShowsTyping)
        wait_until(lambda: transport.typing(ChatRef(play.stage.chat)) and play.stage.shown_typing())

    assert {*play.stage.shown_typing()} == {play.stage.chat}
    assert play.stage.shown() == []
