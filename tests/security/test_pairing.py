"""Who writes to the bot is nobody, until a code lets them in; what a code is good for, and how it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from flask.testing import FlaskClient

from router.domain.person import CODE_LIFETIME
from router.services.people.pairing import TRIES, WINDOW
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.adapter import PATH_SECRET, SECRET_HEADER, environment
from tests.rigs.rpc_errors import reason_of
from webhook_adapter.config import AdapterConfig
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient

HOME = "4711"  # the chat of the settings
ADA, EVE = 1001, 6666
_updates = count(1)


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router, router.courier("telegram", HOME):
        yield router


@contextmanager
def adapter(router: RouterUnderTest, **settings: str) -> Iterator[FlaskClient]:
    """The adapter's HTTP process as it is after each start."""
    read = AdapterConfig.from_environ(environment(router.address, **settings))
    client = RouterClient(read)
    yield create_app(read, client).test_client()
    client.close()


@pytest.fixture
def door(router: RouterUnderTest) -> Iterator[FlaskClient]:
    with adapter(router) as door:
        yield door


def code(router: RouterUnderTest, **wanted: Any) -> str:
    return router.control.CreatePairingCode(pb.CreatePairingCodeRequest(**wanted)).code


def update(door: FlaskClient, **what: Any) -> None:
    answer = door.post(
        f"/webhook/telegram/{PATH_SECRET}", json={"update_id": next(_updates), **what}, headers=SECRET_HEADER
    )
    assert answer.status_code == 200


def write(door: FlaskClient, user: int, text: str, chat: int | None = None, name: str = "Ada") -> None:
    """What Telegram tells of a message."""
    sender = {"id": user, "is_bot": False, "first_name": name}
    place = {"id": user if chat is None else chat, "type": "private" if chat is None else "group"}
    update(door, message={"message_id": next(_updates), "date": 1, "chat": place, "from": sender, "text": text})


def commands(router: RouterUnderTest) -> list[types.Command]:
    return list(router.control.ListCommands(pb.ListCommandsRequest()).commands)


def messages_to(router: RouterUnderTest, chat: int | str) -> list[str]:
    found = router.control.ListNotifications(pb.ListNotificationsRequest()).notifications
    return [note.text for note in found if note.chat.chat_id == str(chat)]


def people(router: RouterUnderTest) -> list[types.Person]:
    return list(router.control.ListPeople(pb.ListPeopleRequest()).people)


def session_named(router: RouterUnderTest, door: FlaskClient, user: int) -> str:
    """A session that this user's plain text goes to."""
    session = router.session(router.machine(), "api")
    write(door, user, "/use api")
    return session


def test_a_stranger_is_told_nothing_and_gets_nothing(router: RouterUnderTest, door: FlaskClient) -> None:
    session_named(router, door, EVE)
    for text in ("hello", "/start", "/pair", "/start AAAA-AAAA-AAAA", "rm -rf /", "/new rm -rf /"):
        write(door, EVE, text)

    assert commands(router) == []
    assert messages_to(router, EVE) == []


def test_a_crowd_cannot_make_the_bot_say_a_word(router: RouterUnderTest, door: FlaskClient) -> None:
    for user in range(7000, 7150):
        write(door, user, "/start")
        write(door, user, f"/start AAAA-BBBB-{user}")

    assert router.control.ListNotifications(pb.ListNotificationsRequest()).notifications == []


def test_a_code_lets_whoever_writes_it_in_and_everybody_hears_of_it(router: RouterUnderTest, door: FlaskClient) -> None:
    write(door, ADA, f"/start {code(router, person_name='Ada')}")
    session_named(router, door, ADA)
    write(door, ADA, "run the tests")

    assert [(one.action.input.text, one.origin.actor) for one in commands(router)] == [
        ("run the tests", f"telegram:{ADA} (Ada)")
    ]
    assert any("You are in, Ada" in text for text in messages_to(router, ADA))
    assert any(f"Ada was let in by a code: telegram user {ADA}" in text for text in messages_to(router, HOME))


def test_an_adapter_that_starts_anew_knows_them(router: RouterUnderTest, door: FlaskClient) -> None:
    write(door, ADA, f"/pair {code(router)}")
    session_named(router, door, ADA)

    with adapter(router) as anew:
        write(anew, ADA, "still here")

    assert [one.action.input.text for one in commands(router)] == ["still here"]


def test_where_no_setting_lets_anybody_in_a_code_does(router: RouterUnderTest) -> None:
    with adapter(router, ALLOWED_CHAT_IDS="") as door:
        write(door, ADA, f"/start {code(router)}")
        session_named(router, door, ADA)
        write(door, ADA, "hello")

    assert len(commands(router)) == 1


def test_a_code_is_good_once(router: RouterUnderTest, door: FlaskClient) -> None:
    shown = code(router)
    write(door, ADA, f"/start {shown}")
    write(door, EVE, f"/start {shown}")

    assert [[chat.user_id for chat in one.chats] for one in people(router)] == [[str(ADA)]]


def test_of_many_who_show_it_at_once_one_is_let_in(router: RouterUnderTest) -> None:
    shown = code(router)
    calls = [
        router.chat.Pair.future(
            chat_pb.PairRequest(chat={"transport": "telegram", "chat_id": str(user)}, user_id=str(user), code=shown)
        )
        for user in range(8)
    ]
    errors = [call.exception() for call in calls]

    assert errors.count(None) == 1
    assert {reason_of(error) for error in errors if error} == {"PAIRING_CODE_INVALID"}


def test_a_code_is_good_for_ten_minutes(router: RouterUnderTest, door: FlaskClient) -> None:
    shown = code(router)
    router.advance(CODE_LIFETIME)

    write(door, ADA, f"/start {shown}")

    assert people(router) == []


def test_who_guesses_is_not_looked_at_after_five_tries_not_even_with_the_right_code(router: RouterUnderTest) -> None:
    shown = code(router)

    def guess(what: str) -> str:
        chat = {"transport": "telegram", "chat_id": str(EVE)}
        with pytest.raises(grpc.RpcError) as error:
            router.chat.Pair(chat_pb.PairRequest(chat=chat, user_id=str(EVE), code=what))
        return reason_of(error.value)

    told = [guess(f"AAAA-AAAA-AAA{digit}") for digit in "ABCDEFG"[:TRIES]]

    assert set(told) == {"PAIRING_CODE_INVALID"}
    assert guess(shown) == "BUSY"
    router.advance(WINDOW)
    assert guess(shown) == "PAIRING_CODE_INVALID"  # by then it is over, too


def test_a_code_has_sixty_bits_and_is_not_in_the_database(router: RouterUnderTest, data_dir: Path) -> None:
    codes = {code(router) for _ in range(20)}
    stored = b"".join(path.read_bytes() for path in data_dir.glob("router.db*"))

    assert {len(one.replace("-", "")) for one in codes} == {12}
    assert len(codes) == 20
    assert [one for one in codes if one.encode() in stored or one.replace("-", "").encode() in stored] == []


def test_in_a_group_the_one_who_wrote_the_code_is_in_and_nobody_else(
    router: RouterUnderTest, door: FlaskClient
) -> None:
    group = -500
    write(door, ADA, f"/start {code(router)}", chat=group)
    router.session(router.machine(), "api")
    write(door, ADA, "/use api", chat=group)
    write(door, EVE, "in a group of theirs", chat=group)
    write(door, ADA, "in the group", chat=group)
    write(door, ADA, "in private")  # another chat is another matter

    assert [one.action.input.text for one in commands(router)] == ["in the group"]


def test_a_name_that_is_taken_makes_nobody_that_person(router: RouterUnderTest, door: FlaskClient) -> None:
    write(door, ADA, f"/start {code(router, person_name='Ada')}")
    write(door, EVE, f"/start {code(router, role=types.PERSON_ROLE_VIEWER)}", name="ADA")

    assert [(one.name, one.role) for one in people(router)] == [
        ("ADA 2", types.PERSON_ROLE_VIEWER),
        ("Ada", types.PERSON_ROLE_OPERATOR),
    ]


@pytest.mark.parametrize("name", ["Ada (admin)", "Ada\u202e", "A" * 65])
def test_a_name_cannot_look_like_another(router: RouterUnderTest, name: str) -> None:
    with pytest.raises(grpc.RpcError) as error:
        code(router, person_name=name)

    assert reason_of(error.value) == "INVALID_ARGUMENT"


def test_who_is_put_out_is_a_stranger_at_once_with_their_old_buttons(
    router: RouterUnderTest, door: FlaskClient
) -> None:
    write(door, ADA, f"/start {code(router, person_name='Ada')}")
    session = session_named(router, door, ADA)
    [note] = router.notify(
        session,
        types.ChatRef(transport="telegram", chat_id=str(ADA)),
        buttons=[types.Button(label="Go on", action="continue")],
    )
    [ada] = people(router)

    ended = router.control.Unpair(pb.UnpairRequest(id=ada.person_id))
    press = {"message_id": 40, "chat": {"id": ADA}}
    sender = {"id": ADA, "is_bot": False, "first_name": "Ada"}
    data = f"cmd:{note.token}:continue"
    update(door, callback_query={"id": "1", "from": sender, "message": press, "data": data})
    write(door, ADA, "am I still in?")

    assert (ended.chats, people(router)) == (1, [])
    assert commands(router) == []


def test_what_waits_for_a_chat_that_ended_is_not_brought(router: RouterUnderTest, door: FlaskClient) -> None:
    write(door, ADA, f"/start {code(router, person_name='Ada')}")
    chat = types.ChatRef(transport="telegram", chat_id=str(ADA))
    session = router.session(router.machine())
    sent = [
        router.control.Notify(pb.NotifyRequest(session_id=session, text=f"secret {n}", targets=[chat])) for n in "ab"
    ]
    ids = [one.notifications[0].notification_id for one in sent]  # one is in flight in a chat: the welcome

    router.control.Unpair(pb.UnpairRequest(id=people(router)[0].person_id))

    found = [router.control.GetNotification(pb.GetNotificationRequest(notification_id=one)).notification for one in ids]
    assert {one.state for one in found} == {types.NOTIFICATION_STATE_DEAD}
    assert {one.detail for one in found} == {"nobody is let in there any more"}


def test_one_chat_of_a_person_ends_and_the_other_stays(router: RouterUnderTest, door: FlaskClient) -> None:
    write(door, ADA, f"/start {code(router, person_name='Ada')}")
    write(door, ADA + 1, f"/start {code(router, person_name='Ada')}")

    router.control.Unpair(pb.UnpairRequest(id=str(ADA), transport="telegram", user_id=str(ADA)))

    assert [[chat.user_id for chat in one.chats] for one in people(router)] == [[str(ADA + 1)]]


def test_a_door_that_says_whose_it_is_not_is_not_believed(router: RouterUnderTest) -> None:
    """A user id alone lets nobody in: it counts with the chat that it was let into."""
    with adapter(router) as door:
        write(door, ADA, f"/start {code(router)}")
    elsewhere = types.ChatRef(transport="telegram", chat_id=str(EVE))

    with pytest.raises(grpc.RpcError) as error:
        router.submit(elsewhere, "hello", user_id=str(ADA), needs_pairing=True)

    assert reason_of(error.value) == "NOT_PAIRED"


def test_every_change_is_in_the_audit(router: RouterUnderTest, door: FlaskClient) -> None:
    shown = code(router, person_name="Ada")
    write(door, ADA, f"/start {shown}")
    router.control.Unpair(pb.UnpairRequest(id=people(router)[0].person_id))

    told = router.read(lambda c: c.execute("SELECT event, detail FROM audit_entries").fetchall())
    assert [event for event, _ in told if event in ("code_created", "paired", "unpaired")] == [
        "code_created",
        "paired",
        "unpaired",
    ]
    assert shown not in repr(told)
