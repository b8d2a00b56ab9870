"""Files that people send: kept in parts, named by a message, given to the machine that has to carry the command out."""

from collections.abc import Iterator

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.services.files import MAX_FILE, MAX_PART
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent, ThinLink

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
PHOTO = types.FileInput(file_id="f1", name="photo.jpg", size=5)
WEEK = 7 * 24 * 3600


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected() as link:
        yield link


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


def put(router: RouterUnderTest, *parts: bytes, file_id: str = "f1") -> None:
    for number, data in enumerate(parts):
        router.chat.PutPart(chat_pb.PutSubmitPartRequest(file_id=file_id, number=number, data=data))


def answers(router: RouterUnderTest) -> list[str]:
    notes = router.control.ListNotifications(pb.ListNotificationsRequest(transport="test")).notifications
    return [note.text for note in notes]


def test_a_file_reaches_the_machine_in_its_parts(
    router: RouterUnderTest, agent: ThinAgent, link: ThinLink, session: str
) -> None:
    put(router, b"lost")
    put(router, b"abc", b"de")
    became = router.submit(HERE, "look", session_id=session, file=PHOTO)
    [frame] = link.commands(1)

    expected = types.FileInput(file_id="f1", name="photo.jpg", size=5, caption="look")
    assert (frame.command_id, frame.action.file) == (became.command_id, expected)
    assert [agent.part(became.command_id, number) for number in range(3)] == [b"abc", b"de", b""]


def test_a_file_without_words_is_handed_over(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    put(router, b"abcde")
    router.submit(HERE, session_id=session, file=PHOTO)

    assert link.commands(1)[0].action.file.caption == ""


def test_a_caption_can_name_the_session(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    [note] = router.notify(session, HERE)
    put(router, b"abcde")
    router.submit(HERE, f"/cmd {note.token} look", file=PHOTO)

    assert link.commands(1)[0].action.file.caption == "look"


def test_the_rest_of_an_album_goes_where_its_first_went(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    [note] = router.notify(session, HERE)
    put(router, b"abcde")
    put(router, b"12345", file_id="f2")
    router.submit(HERE, f"/cmd {note.token} look", file=PHOTO, album="a1")
    second = router.submit(HERE, file=types.FileInput(file_id="f2", name="2.jpg", size=5), album="a1")
    stray = router.submit(HERE, file=PHOTO, album="a2")

    assert [frame.action.file.name for frame in link.commands(2)] == ["photo.jpg", "2.jpg"]
    assert (second.session_id, stray.command_id) == (session, "")


def test_a_file_that_could_not_be_taken_is_told_and_types_nothing(
    router: RouterUnderTest, link: ThinLink, session: str
) -> None:
    became = router.submit(HERE, "look", session_id=session, file_problem="it is too large")

    assert became.command_id == ""
    assert answers(router) == ["📎 The file was not taken, and nothing was typed: it is too large."]
    assert link.waiting() == 0


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (types.FileInput(file_id="f1", name="photo.jpg", size=6), grpc.StatusCode.INVALID_ARGUMENT),
        (types.FileInput(file_id="f1", name="../x", size=5), grpc.StatusCode.INVALID_ARGUMENT),
        (types.FileInput(file_id="f1", name=".x", size=5), grpc.StatusCode.INVALID_ARGUMENT),
        (types.FileInput(file_id="f1", name="x", size=MAX_FILE + 1), grpc.StatusCode.INVALID_ARGUMENT),
    ],
    ids=["not whole", "path", "hidden", "too large"],
)
def test_a_file_that_cannot_be_is_the_doors_mistake(
    router: RouterUnderTest, session: str, file: types.FileInput, code: grpc.StatusCode
) -> None:
    put(router, b"abcde")

    with pytest.raises(grpc.RpcError) as refused:
        router.submit(HERE, session_id=session, file=file)

    assert refused.value.code() is code


@pytest.mark.parametrize(("number", "data"), [(0, b""), (0, b"x" * (MAX_PART + 1)), (MAX_FILE // MAX_PART + 1, b"x")])
def test_a_part_that_is_too_large_or_too_far_behind_is_refused(
    router: RouterUnderTest, number: int, data: bytes
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.chat.PutPart(chat_pb.PutSubmitPartRequest(file_id="f1", number=number, data=data))

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_file_is_given_to_no_other_machine(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    put(router, b"abcde")
    became = router.submit(HERE, session_id=session, file=PHOTO)
    plain = router.send(session, "no file")
    other = router.machine("laptop")
    link.commands(2)

    with pytest.raises(grpc.RpcError) as refused:
        other.part(became.command_id, 0)
    with pytest.raises(grpc.RpcError) as fileless:
        other.part(plain.command_id, 0)

    assert {refused.value.code(), fileless.value.code()} == {grpc.StatusCode.NOT_FOUND}


def test_after_a_week_a_file_is_gone(router: RouterUnderTest, agent: ThinAgent, link: ThinLink, session: str) -> None:
    put(router, b"abcde")
    became = router.submit(HERE, session_id=session, file=PHOTO)
    link.commands(1)
    router.control.Cleanup(pb.CleanupRequest())
    young = agent.part(became.command_id, 0)
    router.write(lambda tx: tx.execute(f"UPDATE file_parts SET created_at = created_at - {WEEK + 1}"))
    router.control.Cleanup(pb.CleanupRequest())

    with pytest.raises(grpc.RpcError, match="Send it again"):
        agent.part(became.command_id, 0)

    assert young == b"abcde"


@pytest.mark.parametrize("caption", ["/stop", "/mute", "/use api"])
def test_a_file_whose_caption_is_a_chat_command_is_told(router: RouterUnderTest, link: ThinLink, caption: str) -> None:
    put(router, b"abcde")
    became = router.submit(HERE, caption, file=PHOTO)
    name = caption.split()[0]

    assert (became.command_id, link.waiting()) == ("", 0)
    assert answers(router)[0] == (
        f"A file goes to a session with a plain caption; {name} was not carried out and the file was not sent."
        " Send it again without the command."
    )
