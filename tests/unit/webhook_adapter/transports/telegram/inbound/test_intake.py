"""From an update to the router."""

import logging
from typing import Any

import pytest

from pointsman.client.errors import RouterError
from pointsman.client.records import Chat, CommandState, Stranger
from webhook_adapter.config import AdapterConfig
from webhook_adapter.model import Acquaintance, StoredFile, Submission, Submitted
from webhook_adapter.router.errors import unavailable
from webhook_adapter.transports.lifecycle import Outcome, lifecycle
from webhook_adapter.transports.telegram.inbound.files import Brought
from webhook_adapter.transports.telegram.inbound.intake import Intake, Received
from webhook_adapter.transports.telegram.inbound.update import Attached

STORED = Submitted("command-1", CommandState.QUEUED, "s1", "Sent to api", duplicate=False)
ADA = {"id": 99, "is_bot": False, "first_name": "Ada"}
MESSAGE = {"message_id": 50, "date": 1, "chat": {"id": 99}, "from": ADA, "text": "the secret plan"}
CODE = "K7QF-3M2X-PAWB"
PRESS = {"id": "7788", "from": ADA, "message": {"message_id": 40, "chat": {"id": 99}}, "data": "cmd:TOKEN:yes"}


class Router:
    """Answers every submission in the same way, and keeps them."""

    def __init__(self, answer: Submitted | RouterError = STORED) -> None:
        self.answer = answer
        self.got: list[Submission] = []
        self.strangers: list[Stranger] = []
        self.paired: set[str] = set()
        self.codes: list[str] = []

    def report_stranger(self, stranger: Stranger) -> Acquaintance:
        """What is known of strangers; as the router, new ones once."""
        if isinstance(self.answer, RouterError) and self.answer.code != "NOT_PAIRED":
            raise self.answer
        self.strangers.append(stranger)
        return Acquaintance(stranger not in self.strangers[:-1], stranger.user_id in self.paired)

    def pair(self, stranger: Stranger, code: str) -> None:
        self.codes.append(code)
        if code != CODE:
            raise RouterError("PERMISSION_DENIED", "This code is unknown.", "PAIRING_CODE_INVALID")
        self.paired.add(stranger.user_id)

    def submit(self, submission: Submission) -> Submitted:
        self.got.append(submission)
        if isinstance(self.answer, RouterError):
            raise self.answer
        return self.answer


def bring(_update_key: str, attached: Attached) -> Brought:
    """Telegram and the router's side for files: one that is there, and one that is not."""
    if attached.file_id == "gone":
        return Brought(problem="it is gone")
    return Brought(StoredFile("f1", attached.name, 5))


def intake(router: Router, chats: str = "99", users: str = "", *, transcribes: bool = False) -> Intake:
    config = AdapterConfig.from_environ(
        {
            "POINTSMAN_API_KEY": "pmk_key",
            "TELEGRAM_BOT_TOKEN": "4711:token",
            "TELEGRAM_WEBHOOK_SECRET": "s",
            "TELEGRAM_WEBHOOK_PATH_SECRET": "p",
            "ALLOWED_CHAT_IDS": chats,
            "ALLOWED_USER_IDS": users,
        }
    )
    assert config.telegram is not None
    return Intake(config.telegram, router.submit, bring, router, transcribes=transcribes)


def test_an_allowed_message_is_handed_in() -> None:
    router = Router()

    received = intake(router).receive({"update_id": 1, "message": MESSAGE})

    assert received == Received(Outcome.STORED, "", "Sent to api")
    assert router.got == [
        Submission(
            update_key="telegram:4711:1",
            chat=Chat("telegram", "99", "", "50"),
            actor="telegram:99 (Ada)",
            text="the secret plan",
            user_id="99",
        )
    ]


def test_a_pressed_button_is_handed_in_and_wants_an_answer() -> None:
    router = Router()

    received = intake(router).receive({"update_id": 1, "callback_query": PRESS})

    assert received == Received(Outcome.STORED, "7788", "Sent to api")
    assert router.got[0].button == "cmd:TOKEN:yes"
    assert router.got[0].chat.message_id == "40"


@pytest.mark.parametrize(
    ("file_id", "file", "problem"),
    [("AgAC1", StoredFile("f1", "photo.jpg", 5), ""), ("gone", None, "it is gone")],
    ids=["brought", "not brought"],
)
def test_a_file_is_brought_before_its_message_is_handed_in(file_id: str, file: StoredFile | None, problem: str) -> None:
    router = Router()
    photo = {"photo": [{"file_id": "small"}, {"file_id": file_id}], "media_group_id": "7"}

    intake(router).receive({"update_id": 1, "message": MESSAGE | {"text": ""} | photo})

    [handed_in] = router.got
    assert (handed_in.file, handed_in.file_problem, handed_in.album, handed_in.text) == (file, problem, "7", "")


def test_a_file_whose_caption_was_changed_is_not_brought_again() -> None:
    router = Router()
    photo = {"photo": [{"file_id": "AgAC1"}], "caption": "better", "edit_date": 2}

    intake(router).receive({"update_id": 1, "edited_message": MESSAGE | {"text": ""} | photo})

    assert (router.got[0].edited, router.got[0].file) == (True, None)


@pytest.mark.parametrize(
    ("kind", "transcribes", "wanted"),
    [
        ("voice", True, True),
        ("audio", True, True),
        ("video_note", True, True),
        ("video", True, False),
        ("document", True, False),
        ("voice", False, False),
    ],
)
def test_recordings_alone_are_to_be_turned_into_text_where_somebody_does(
    kind: str, transcribes: bool, wanted: bool
) -> None:
    router = Router()

    intake(router, transcribes=transcribes).receive(
        {"update_id": 1, "message": MESSAGE | {"text": "", kind: {"file_id": "AgAC1"}}}
    )

    assert [each.transcribe for each in router.got] == [wanted]


def test_a_recording_that_could_not_be_brought_is_none() -> None:
    router = Router()

    intake(router, transcribes=True).receive({"update_id": 1, "message": MESSAGE | {"voice": {"file_id": "gone"}}})

    assert (router.got[0].transcribe, router.got[0].file_problem) == (False, "it is gone")


def test_a_stranger_s_file_is_not_brought() -> None:
    router = Router()

    received = intake(router, chats="5").receive({"update_id": 1, "message": MESSAGE | {"voice": {"file_id": "gone"}}})

    assert received == Received(Outcome.DENIED)


def test_a_repeat_is_told_as_such() -> None:
    router = Router(Submitted("command-1", CommandState.QUEUED, "s1", "", duplicate=True))

    assert intake(router).receive({"update_id": 1, "message": MESSAGE}).outcome is Outcome.DUPLICATE


@pytest.mark.parametrize("update", [{"message": MESSAGE}, {"callback_query": PRESS}], ids=["message", "button"])
def test_a_stranger_reaches_nothing_and_hears_nothing(update: dict[str, Any]) -> None:
    router = Router()

    received = intake(router, chats="5").receive({"update_id": 1, **update})

    assert received == Received(Outcome.DENIED)
    assert router.got == []


@pytest.mark.parametrize(
    ("update", "chats", "users", "cure"),
    [
        ({"message": MESSAGE}, "5", "", "ALLOWED_CHAT_IDS=5,99"),
        ({"callback_query": PRESS}, "5", "", "ALLOWED_CHAT_IDS=5,99"),
        ({"message": MESSAGE | {"chat": {"id": -77}}}, "5", "", "ALLOWED_CHAT_IDS=5,-77"),
        ({"message": MESSAGE}, "", "", "ALLOWED_CHAT_IDS=99"),
        ({"message": MESSAGE}, "99", "5", "ALLOWED_USER_IDS=5,99"),
    ],
    ids=["message", "button", "group", "first", "person"],
)
def test_a_stranger_is_told_of_with_what_would_let_them_in(
    update: dict[str, Any], chats: str, users: str, cure: str, caplog: pytest.LogCaptureFixture
) -> None:
    router = Router()

    intake(router, chats, users).receive({"update_id": 1, **update})

    [line] = [record.getMessage() for record in caplog.records if "not allowed" in record.getMessage()]
    assert line.startswith("Ada (user 99) wrote to the bot in chat ")
    assert line.endswith(f" {cure}")
    assert [(each.user_id, each.name) for each in router.strangers] == [("99", "Ada")]


def test_while_nobody_can_say_whether_a_code_let_them_in_it_must_come_again() -> None:
    with pytest.raises(RouterError, match="UNAVAILABLE"):
        intake(Router(unavailable("away")), chats="5").receive({"update_id": 1, "message": MESSAGE})


def test_who_was_let_in_by_a_code_is_handed_in_as_somebody_whom_the_router_must_know() -> None:
    router = Router()
    router.paired.add("99")

    received = intake(router, chats="5").receive({"update_id": 1, "message": MESSAGE})

    assert received.outcome is Outcome.STORED
    assert [(one.user_id, one.needs_pairing) for one in router.got] == [("99", True)]


@pytest.mark.parametrize("text", [f"/start {CODE}", f"/pair {CODE.lower()}", f"/start {CODE.replace('-', '')}"])
def test_a_code_is_taken_out_of_what_telegram_sends_for_a_link_or_by_hand(text: str) -> None:
    router = Router()

    received = intake(router, chats="5").receive({"update_id": 1, "message": MESSAGE | {"text": text}})

    assert [code.upper().replace("-", "") for code in router.codes] == [CODE.replace("-", "")]
    assert received.outcome in {Outcome.STORED, Outcome.DENIED}
    assert router.got == []


def test_a_code_in_an_edited_message_is_none() -> None:
    router = Router()
    edited = MESSAGE | {"text": f"/start {CODE}", "edit_date": 2}

    intake(router, chats="5").receive({"update_id": 1, "edited_message": edited})

    assert router.codes == []


def test_who_was_put_out_is_a_stranger_from_then_on() -> None:
    router = Router()
    router.paired.add("99")
    door = intake(router, chats="5")
    door.receive({"update_id": 1, "message": MESSAGE})
    router.answer = RouterError("PERMISSION_DENIED", "They may not write here.", "NOT_PAIRED")
    router.paired.clear()

    received = [door.receive({"update_id": number, "message": MESSAGE}) for number in (2, 3)]

    assert {one.outcome for one in received} == {Outcome.DENIED}
    assert len(router.got) == 2


def test_who_may_not_press_is_told_so_and_nothing_is_handed_in() -> None:
    router = Router()

    received = intake(router, users="5").receive({"update_id": 1, "callback_query": PRESS})

    assert (received.outcome, received.callback_id) == (Outcome.DENIED, "7788")
    assert "may not press" in received.answer
    assert router.got == []


def test_what_is_ignored_reaches_nothing() -> None:
    router = Router()

    assert intake(router).receive({"update_id": 1, "channel_post": MESSAGE}) == Received(Outcome.IGNORED)
    assert router.got == []


def test_a_refusal_for_its_content_is_final_and_told_to_the_presser() -> None:
    router = Router(RouterError("NOT_FOUND", "x" * 300, "SESSION_UNKNOWN"))

    received = intake(router).receive({"update_id": 1, "callback_query": PRESS})

    assert received == Received(Outcome.REFUSED, "7788", "x" * 200)


def test_what_could_not_be_stored_must_come_again() -> None:
    router = Router(unavailable("away"))

    with pytest.raises(RouterError, match="UNAVAILABLE"):
        intake(router).receive({"update_id": 1, "message": MESSAGE})


@pytest.mark.parametrize("chats", ["99", "5"], ids=["allowed", "denied"])
def test_no_log_line_shows_what_was_written(chats: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    door = intake(Router(), chats)
    lifecycle().handle("telegram", lambda: door.receive({"update_id": 1, "message": MESSAGE}))

    assert caplog.records
    assert "secret plan" not in caplog.text


def test_an_open_group_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    intake(Router(), "99,-77")

    assert "-77" in caplog.text
    assert "ALLOWED_USER_IDS" in caplog.text
