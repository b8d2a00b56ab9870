"""Recordings: their words go to a session once a person said so, once, and nothing before that."""

from collections.abc import Iterator

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from router.services.chat import voices as service
from router.store import voices
from tests.integration.router.harness import RouterUnderTest, fresh
from tests.integration.router.pressing import labels, last_line, press
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected() as link:
        yield link


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    session_id = router.session(agent, "api")
    router.submit(HERE, "/use api")
    return session_id


def speaks(router: RouterUnderTest, caption: str = "", **request: object) -> chat_pb.SubmitResponse:
    """A person sends a recording."""
    file_id = fresh("voice")
    router.chat.PutPart(chat_pb.PutSubmitPartRequest(file_id=file_id, number=0, data=b"OggS"))
    file = types.FileInput(file_id=file_id, name="voice.ogg", size=4)
    return router.submit(HERE, caption, file=file, transcribe=True, **request)


def take(router: RouterUnderTest, lease: int = 60) -> chat_pb.TakeVoiceResponse:
    return router.chat.TakeVoice(chat_pb.TakeVoiceRequest(transport="test", lease={"seconds": lease}))


def heard(router: RouterUnderTest, text: str = "", problem: str = "") -> chat_pb.TakeVoiceResponse:
    """The next one is turned into text."""
    voice = take(router)
    router.chat.PutTranscript(chat_pb.PutTranscriptRequest(voice_id=voice.voice_id, text=text, problem=problem))
    return voice


def asked(courier: ThinCourier) -> chat_pb.Delivery:
    """The question about it; message 500."""
    while not (delivery := courier.brought("500")).notification.text.startswith("🎤"):
        pass
    return delivery


def test_its_words_are_shown_and_typed_once_somebody_says_so(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    became = speaks(router)
    voice = heard(router, " run the tests\n")
    question = asked(courier)
    before = link.waiting()
    sent = press(router, question, "✅")
    [frame] = link.commands(1)

    assert (became.command_id, voice.name, voice.size) == ("", "voice.ogg", 4)
    assert question.notification.text.startswith("🎤 I heard for api:\n\nrun the tests\n\nSend it?")
    assert labels(question) == ["✅ Send", "📎 Send the recording", "✖️ Cancel"]
    assert question.reply_to_message_id == "10"
    assert before == 0
    assert (frame.session_id, frame.action.input.text, frame.command_id) == (session, "run the tests", sent.command_id)
    assert last_line(courier.brought("500")) == "✓ ✅ Send — Ada, 12:00"


def test_a_second_press_and_the_same_press_again_type_nothing(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    speaks(router)
    heard(router, "run the tests")
    question = asked(courier)
    first = press(router, question, "✅", update_key="u-1")
    again = press(router, question, "✅", update_key="u-1")
    other = press(router, question, "recording")

    assert (again.duplicate, again.command_id) == (True, first.command_id)
    assert other.answer == "Already answered: ✅ Send"
    assert len(link.commands(1)) == 1
    assert link.waiting() == 0
    assert session


@pytest.mark.parametrize(("label", "typed"), [("recording", "voice.ogg"), ("Cancel", "")])
def test_the_recording_goes_as_it_is_or_nothing_does(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str, label: str, typed: str
) -> None:
    speaks(router, "listen")
    heard(router, "run the tests")
    pressed = press(router, asked(courier), label)

    assert bool(pressed.command_id) == bool(typed)
    assert [frame.action.file.name for frame in link.commands(1 if typed else 0)] == [typed] * bool(typed)
    assert link.waiting() == 0
    assert session


def test_a_reply_sends_other_words_in_its_place(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    speaks(router)
    heard(router, "run the taste")
    question = asked(courier)
    router.reported(question)
    became = router.submit(HERE, "run the tests", reply_to_message_id="500", reply_to_ours=True)
    [frame] = link.commands(1)

    assert (frame.action.input.text, frame.session_id) == ("run the tests", session)
    assert became.command_id == frame.command_id
    assert press(router, question, "✅").answer == "Already answered: Other words"


def test_a_recording_that_nobody_understood_can_be_sent_as_it_is(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    speaks(router)
    heard(router, "", "it took longer than 60 s.")
    question = asked(courier)
    press(router, question, "recording")

    assert "it took longer than 60 s." in question.notification.text
    assert labels(question) == ["📎 Send the recording", "✖️ Cancel"]
    assert link.commands(1)[0].action.file.name == "voice.ogg"
    assert session


def test_words_go_where_the_recording_was_sent(
    router: RouterUnderTest, agent: ThinAgent, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    other = router.session(agent, "web")
    router.notify(other, text="done?")
    while courier.brought("7").notification.text != "done?":
        pass
    router.settle()
    wait_until(lambda: {note.state for note in router.notifications(other)} == {types.NOTIFICATION_STATE_DELIVERED})
    speaks(router, "about this:", reply_to_message_id="7")
    heard(router, "ship it")
    question = asked(courier)
    press(router, question, "✅")
    [frame] = link.commands(1)

    assert "for web" in question.notification.text
    assert (frame.session_id, frame.action.input.text) == (other, "about this:\nship it")
    assert session


def test_where_no_session_is_meant_it_is_asked_for_which(
    router: RouterUnderTest, agent: ThinAgent, courier: ThinCourier, link: ThinLink
) -> None:
    session = router.session(agent, "api")
    speaks(router)
    heard(router, "run the tests")
    press(router, asked(courier), "✅")
    while not labels(which := courier.brought("501")) or "api" not in labels(which)[0]:
        pass
    press(router, which, "api", "501")

    assert (link.commands(1)[0].action.input.text, session) == ("run the tests", session)


def test_a_door_that_turns_nothing_into_text_hands_files_over_as_before(
    router: RouterUnderTest, link: ThinLink, session: str
) -> None:
    router.chat.PutPart(chat_pb.PutSubmitPartRequest(file_id="f9", number=0, data=b"OggS"))
    router.submit(HERE, file=types.FileInput(file_id="f9", name="voice.ogg", size=4))

    assert link.commands(1)[0].action.file.name == "voice.ogg"
    assert session


def test_one_is_given_to_one_at_a_time_and_again_when_it_was_not_answered(
    router: RouterUnderTest, courier: ThinCourier, session: str
) -> None:
    speaks(router)
    first, none = take(router, lease=60), take(router)
    router.advance(61)
    again = take(router)
    for text in ("first words", "second words"):
        router.chat.PutTranscript(chat_pb.PutTranscriptRequest(voice_id=again.voice_id, text=text))
    question = asked(courier)

    assert (none.voice_id, again.voice_id) == ("", first.voice_id)
    assert "first words" in question.notification.text
    assert take(router).voice_id == ""
    assert session


def test_its_bytes_are_for_whoever_turns_it_into_text(router: RouterUnderTest, session: str) -> None:
    speaks(router)
    voice = take(router)
    request = chat_pb.GetPartRequest(voice_id=voice.voice_id, file_id=voice.file_id, number=0)
    data = router.chat.GetPart(request).data
    with pytest.raises(grpc.RpcError) as refused:
        router.chat.GetPart(chat_pb.GetPartRequest(voice_id=voice.voice_id, file_id="another", number=0))

    assert (data, reason_of(refused.value), bool(session)) == (b"OggS", "NOT_FOUND", True)


def test_a_caller_waits_for_the_next_one(router: RouterUnderTest, session: str) -> None:
    wants = chat_pb.TakeVoiceRequest(transport="test", wait={"seconds": 20}, lease={"seconds": 60})
    waiting = router.chat.TakeVoice.future(wants)
    speaks(router)

    assert waiting.result().name == "voice.ogg"
    assert session


def test_nothing_is_lost_over_a_restart(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    speaks(router)
    taken = take(router)
    router.restart()
    again = take(router)
    router.chat.PutTranscript(chat_pb.PutTranscriptRequest(voice_id=again.voice_id, text="run the tests"))
    router.restart()
    with router.courier("test", "1") as courier:
        sent = press(router, asked(courier), "✅")

    assert again.voice_id == taken.voice_id
    assert (sent.session_id, bool(sent.command_id), bool(agent)) == (session, True, True)


def test_one_that_nobody_turns_into_text_is_asked_about(
    router: RouterUnderTest, courier: ThinCourier, session: str
) -> None:
    speaks(router)
    router.advance(service.LATE + 1)
    router.advance(61)

    assert "nobody turned it into text" in asked(courier).notification.text
    assert session


def test_after_a_day_it_is_not_kept(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    speaks(router)
    heard(router, "run the tests")
    question = asked(courier)
    router.advance(voices.KEPT + 1)

    assert "not kept" in press(router, question, "✅").answer
    assert link.waiting() == 0
    assert session


def test_a_chat_that_sends_too_many_is_told(router: RouterUnderTest, session: str) -> None:
    for _ in range(voices.MOST):
        assert speaks(router).answer == ""

    assert "20 recordings of this chat wait" in speaks(router).answer
    assert session


def test_a_button_of_another_question_and_of_another_chat_decide_nothing(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    speaks(router)
    heard(router, "run the tests")
    question = asked(courier)
    data = f"cmd:{question.notification.token}:say"
    elsewhere = types.ChatRef(transport="test", chat_id="2", message_id="500")
    router.submit(elsewhere, button=chat_pb.ButtonPress(data=data))
    router.submit(HERE, button=chat_pb.ButtonPress(data="cmd:AAAAAAAAAAAAAAAA:say"))

    assert link.waiting() == 0
    assert press(router, question, "✅").command_id
    assert session


def test_a_command_in_its_caption_is_refused_as_with_any_file(router: RouterUnderTest, session: str) -> None:
    assert "/stop was not carried out" in speaks(router, "/stop").answer
    assert take(router).voice_id == ""
    assert session
