"""What becomes of a message on platforms that can do more, and on those that can do less."""

from dataclasses import replace

from webhook_adapter.courier.verbs import MARK, bring
from webhook_adapter.transports.transport import (
    ChatNews,
    ChatRef,
    Delivered,
    Kind,
    Outgoing,
    Refused,
    RetryLater,
    SendOutcome,
)

PLACE = ChatRef("4711")
MARKED = Outgoing(PLACE, "✅ Typed.", reply_to_message_id="5", as_mark=True)
CHANGE = Outgoing(PLACE, "it is over", edit_message_ids=("7", "8"))
NO_BUTTONS = Outgoing(PLACE, "", edit_message_ids=("7", "8"))


class Pigeon:
    """Brings messages, and can do nothing else."""

    name = "pigeon"

    def __init__(self, outcome: SendOutcome = Delivered(("9",))) -> None:  # noqa: B008 - frozen
        self.did: list[str] = []
        self.outcome = outcome

    def send(self, message: Outgoing) -> SendOutcome:
        self.did.append(f"send {message.text}")
        return self.outcome

    def news(self, _chat: ChatRef) -> ChatNews:
        return ChatNews()


class Rubber(Pigeon):
    """Takes back what it has brought."""

    def delete(self, _chat: ChatRef, message_id: str) -> bool:
        self.did.append(f"delete {message_id}")
        return False


class Pen(Rubber):
    """Changes what it has brought."""

    def edit(self, message: Outgoing) -> SendOutcome:
        self.did.append(f"edit {message.edit_message_ids} {message.text}")
        return Delivered(message.edit_message_ids)


class Stamp(Pigeon):
    """Has marks."""

    def __init__(self, marked: SendOutcome) -> None:
        super().__init__()
        self._marked = marked

    def react(self, _chat: ChatRef, message_id: str, mark: str) -> SendOutcome:
        self.did.append(f"{mark} {message_id}")
        return self._marked


def test_a_mark_says_it_all_where_there_are_marks() -> None:
    stamp = Stamp(Delivered(()))

    assert bring(stamp, MARKED) == Delivered(())
    assert stamp.did == [f"{MARK} 5"]


def test_where_marks_are_refused_words_say_it_at_once() -> None:
    stamp = Stamp(Refused("REACTION_INVALID"))

    assert bring(stamp, MARKED) == Delivered(("9",))
    assert stamp.did == [f"{MARK} 5", "send ✅ Typed."]


def test_a_mark_that_has_to_wait_waits() -> None:
    stamp = Stamp(RetryLater("slowly", 3.0))

    assert bring(stamp, MARKED) == RetryLater("slowly", 3.0)
    assert stamp.did == [f"{MARK} 5"]


def test_where_there_are_no_marks_words_say_it() -> None:
    pigeon = Pigeon()

    assert bring(pigeon, MARKED) == Delivered(("9",))
    assert pigeon.did == ["send ✅ Typed."]


def test_a_change_is_an_edit_where_there_are_edits() -> None:
    pen = Pen()

    assert bring(pen, CHANGE) == Delivered(("7", "8"))
    assert pen.did == ["edit ('7', '8') it is over"]


def test_else_it_comes_anew_and_takes_the_place_of_what_stood() -> None:
    rubber = Rubber()

    assert bring(rubber, CHANGE) == Delivered(("9",))
    assert rubber.did == ["send it is over", "delete 7", "delete 8"]


def test_what_did_not_come_takes_nobodys_place() -> None:
    rubber = Rubber(RetryLater("not now"))

    assert bring(rubber, CHANGE) == RetryLater("not now")
    assert rubber.did == ["send it is over"]


def test_buttons_go_only_where_something_can_be_changed() -> None:
    pen, rubber = Pen(), Rubber()

    assert bring(pen, NO_BUTTONS) == bring(rubber, NO_BUTTONS) == Delivered(("7", "8"))
    assert (pen.did, rubber.did) == (["edit ('7', '8') "], [])


def test_an_extra_that_cannot_be_changed_is_not_sent_anew() -> None:
    pigeon, pen = Pigeon(), Pen()
    extra = replace(CHANGE, kind=Kind.WORK)

    assert bring(pigeon, extra) == Delivered(("7", "8"))
    assert bring(pen, extra) == Delivered(("7", "8"))
    assert (pigeon.did, pen.did) == ([], ["edit ('7', '8') it is over"])
