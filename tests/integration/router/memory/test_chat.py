"""Notes in chats: said, found, kept, taken back, by words and by buttons."""

from collections.abc import Iterator

import pytest
from agentlink.v1 import memory_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.command import ChatRef
from router.store import audit, chats, notes
from tests.integration.router.deferral.test_chat import say
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.pressing import labels, last_line, press
from tests.rigs.session_program import Program, running
from tests.rigs.thin_courier import ThinCourier

OTHER_CHAT = types.ChatRef(transport="test", chat_id="2")


@pytest.fixture
def program(router: RouterUnderTest, courier: ThinCourier) -> Iterator[Program]:
    """Whose session the chat has chosen."""
    with running(router) as program:
        say(router, courier, "/use api")
        yield program


def there(router: RouterUnderTest) -> list[pb.Note]:
    return list(router.memory.List(pb.ListNotesRequest()).notes)


def test_what_is_said_here_is_noted_and_found(router: RouterUnderTest, courier: ThinCourier) -> None:
    said = say(router, courier, "/remember the demo is on friday", user_id="1").notification.text
    [note] = there(router)

    assert said == f"🧠 Note {note.number}, known to Ada alone."
    found = say(router, courier, "/recall DEMO", user_id="1").notification.text
    assert found == f"🧠 What was noted:\n{note.number}. the demo is on friday — Ada, to Ada alone"
    assert say(router, courier, "/notes", user_id="1").notification.text == found


@pytest.mark.parametrize("text", ["/remember", "/recall", "/forget", "/forget it", "/forget ٣x"])
def test_what_is_missing_is_said(router: RouterUnderTest, courier: ThinCourier, text: str) -> None:
    assert say(router, courier, text).notification.text.startswith(text.split()[0] + " ")
    assert there(router) == []


def test_nothing_is_said_to_be_nothing(router: RouterUnderTest, courier: ThinCourier) -> None:
    assert say(router, courier, "/notes").notification.text.startswith("🧠 Nothing is noted here.")
    assert say(router, courier, "/recall demo").notification.text.startswith("🧠 Nothing that you may see")
    assert "There is no note 7" in say(router, courier, "/forget 7").notification.text


def test_with_a_session_chosen_its_repository_knows_and_a_button_takes_it_back(
    router: RouterUnderTest, courier: ThinCourier, program: Program
) -> None:
    said = say(router, courier, "/remember use tabs", user_id="1")
    own = pb.RecallRequest(query="tabs")

    assert program.doors.Recall(own).notes[0].author == "Ada"
    assert labels(said) == ["🗑 Forget", "🔒 For me alone"]
    press(router, said, "For me alone", user_id="1")
    taken = courier.brought("2")
    assert taken.notification.text.startswith("🧠 Note 1, known to Ada alone.")
    assert list(program.doors.Recall(own).notes) == []
    assert labels(taken) == []


def test_a_number_forgets(router: RouterUnderTest, courier: ThinCourier) -> None:
    say(router, courier, "/remember use tabs")

    assert say(router, courier, "/forget #1").notification.text == "🧠 Forgotten: note 1."
    assert there(router) == []


def test_a_button_forgets_and_its_message_no_longer_says_what(router: RouterUnderTest, courier: ThinCourier) -> None:
    said = say(router, courier, "/remember use tabs")
    press(router, said, "Forget")

    assert courier.brought("2").notification.text.startswith("🧠 Forgotten: note 1.")
    assert there(router) == []


def test_people_are_asked_about_what_a_session_wants_known_and_one_press_counts_everywhere(
    router: RouterUnderTest,
) -> None:
    with router.courier("test", "1", "2") as couriers, running(router) as program:
        program.doors.Remember(pb.RememberRequest(text="push to main"))
        asked = [couriers.brought(str(number)) for number in (100, 101)]
        for each in asked:
            router.reported(each)
        press(router, asked[0], "Keep", actor="Ada")
        changed = [couriers.brought(str(number)) for number in (102, 103)]

        late = router.submit(
            OTHER_CHAT, button={"data": f"cmd:{asked[1].notification.token}:forget-note:1"}, actor="Bob"
        )

    assert {each.notification.chat.chat_id for each in asked} == {"1", "2"}
    for each in asked:
        assert each.notification.text.startswith("🧠 api wants this to be known ")
        assert each.notification.text.endswith("push to main")
        assert labels(each) == ["✅ Keep", "🗑 Forget"]
    assert {last_line(each) for each in changed} == {"✓ ✅ Keep — Ada, 12:00"}
    assert late.answer == "Already answered: ✅ Keep"
    [note] = there(router)
    assert (note.state, note.kept_by, note.text) == (pb.NOTE_STATE_KEPT, "Ada", "push to main")


def test_a_refused_wish_leaves_no_text_in_the_chat(
    router: RouterUnderTest, courier: ThinCourier, program: Program
) -> None:
    program.doors.Remember(pb.RememberRequest(text="push to main"))
    asked = courier.brought("2")
    router.reported(asked)
    press(router, asked, "Forget", actor="Ada")

    assert "push to main" not in courier.brought("3").notification.text
    assert there(router) == []


def test_what_was_kept_elsewhere_is_said_where_it_was_asked(
    router: RouterUnderTest, courier: ThinCourier, program: Program
) -> None:
    program.doors.Remember(pb.RememberRequest(text="push to main"))
    asked = courier.brought("2")
    router.reported(asked)

    router.memory.Keep(pb.KeepRequest(number=1))

    assert "✓ ✅ Keep" in courier.brought("3").notification.text
    assert press(router, asked, "Forget").answer.startswith("Already answered")


def test_what_waits_is_shown_with_its_buttons_as_often_as_somebody_looks(
    router: RouterUnderTest, courier: ThinCourier, program: Program
) -> None:
    program.doors.Remember(pb.RememberRequest(text="push to main"))
    router.reported(courier.brought("2"))

    shown = say(router, courier, "/notes")

    assert labels(shown) == ["✅ Keep", "🗑 Forget"]
    press(router, shown, "Keep", actor="Ada")
    said = [courier.brought("4").notification.text for _ in range(2)]
    assert all("✓ ✅ Keep — Ada" in text for text in said)
    [note] = there(router)
    assert note.state == pb.NOTE_STATE_KEPT


def test_a_person_who_says_what_a_session_wanted_known_keeps_it(
    router: RouterUnderTest, courier: ThinCourier, program: Program
) -> None:
    program.doors.Remember(pb.RememberRequest(text="push to main"))
    router.reported(courier.brought("2"))
    router.submit(types.ChatRef(transport="test", chat_id="1", message_id="10"), "/remember push to main")

    [note] = there(router)
    assert (note.number, note.state, note.kept_by) == (1, pb.NOTE_STATE_KEPT, "Ada")


def test_a_group_that_gets_another_id_keeps_its_notes(router: RouterUnderTest) -> None:
    group, moved = (types.ChatRef(transport="test", chat_id=chat) for chat in ("-1", "-2"))
    router.submit(group, "/remember the demo is on friday", user_id="7")

    router.write(lambda tx: chats.move(tx, ChatRef("test", "-1"), ChatRef("test", "-2")))

    assert "friday" in router.submit(moved, "/recall demo", user_id="8").answer


def test_its_trace_tells_of_it_without_a_word_of_its_text(router: RouterUnderTest, program: Program) -> None:
    program.doors.Remember(pb.RememberRequest(text="push to main"))
    router.memory.Keep(pb.KeepRequest(number=1))
    router.memory.Forget(pb.ForgetRequest(number=1))

    assert router.events("note-1") == ["Remembered", "Kept", "Forgotten"]
    audited = router.read(lambda c: audit.after(c, 0, 0.0, 1000))
    assert [each.event for each in audited if each.subject == "note-1"] == ["note_kept", "note_forgotten"]
    assert "push" not in f"{router.trace('note-1')} {audited}"
    assert router.read(lambda c: notes.find(c, 1)).text == ""  # type: ignore[union-attr]
