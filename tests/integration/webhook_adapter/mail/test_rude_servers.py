"""Mail servers that are slow, silent, busy, or not what they were: nothing is lost, nothing is done twice unseen."""

import grpc
import pytest

from tests.fakes.mails import written
from tests.fakes.smtp_server import Rude
from tests.integration.webhook_adapter.mail.desk import ADA, ADDRESS, Desk, plain
from tests.integration.webhook_adapter.transports.conformance.mail_stage import MailStage


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("answer", ["421 4.3.2 going down", Rude.LEAVE], ids=["421", "gone"])
def test_a_server_that_goes_away_gets_the_mail_when_it_is_back(desk: Desk, verb: str, answer: str | Rude) -> None:
    desk.stage.smtp.rude(verb, answer)

    parcel = desk.brings("Done.")

    assert (parcel.ended, parcel.attempts, len(desk.stage.smtp.arrived)) == ("delivered", 2, 1)


def test_a_mail_that_was_taken_without_a_word_comes_again_as_the_same_mail(desk: Desk) -> None:
    desk.stage.smtp.rude(".", Rude.TAKE_AND_LEAVE)

    parcel = desk.brings("Done.")

    first, second = (each.mail for each in desk.mails(2))
    assert first["Message-ID"] == second["Message-ID"]
    assert "before the server said whether it took the mail" in parcel.receipts[0].retry_later.detail
    assert "It may have come twice" in parcel.receipts[1].delivered.detail


def test_greylisting_is_waited_out(desk: Desk) -> None:
    desk.stage.smtp.rude("RCPT", *["451 4.7.1 greylisted"] * 3)

    parcel = desk.brings("Done.")

    assert (parcel.ended, parcel.attempts) == ("delivered", 4)
    assert {each.retry_later.alone for each in parcel.receipts[:3]} == {False}


def test_a_mail_that_is_not_liked_now_waits_by_itself(desk: Desk) -> None:
    desk.stage.smtp.rude(".", "451 4.7.1 looks odd, come again")

    assert desk.brings("Done.").receipts[0].retry_later.alone


@pytest.mark.parametrize(
    ("verb", "answer", "closed"),
    [
        ("RCPT", "550 5.1.1 no such user", True),
        ("RCPT", "550 5.2.1 mailbox disabled", True),
        ("RCPT", "552 5.2.2 mailbox full", False),
        ("RCPT", "554 5.7.1 policy", False),
        (".", "552 5.3.4 too large", False),
        ("DATA", "554 5.6.0 no", False),
    ],
)
def test_what_is_refused_says_why_and_whether_it_is_the_address(
    desk: Desk, verb: str, answer: str, closed: bool
) -> None:
    desk.stage.smtp.rude(verb, answer)

    refused = desk.brings("Done.").receipts[-1].refused

    assert (refused.detail, refused.chat_closed) == (answer, closed)


@pytest.mark.parametrize(
    ("verb", "answer"), [("AUTH", "535 5.7.8 wrong"), ("MAIL", "553 5.7.1 not yours"), ("CONNECT", "554 go away")]
)
def test_what_a_person_can_cure_waits_a_minute(desk: Desk, verb: str, answer: str) -> None:
    desk.stage.smtp.rude(verb, answer)

    parcel = desk.put("Done.")
    desk.router.wait_for(lambda: parcel.receipts)

    assert parcel.receipts[0].retry_later.retry_after.seconds == 60


def test_what_mail_has_no_room_for_is_named(desk: Desk) -> None:
    desk.router.files = {"small.txt": [b"x"], "large.bin": [b"x" * 8_000_000] * 2}

    desk.brings("the files", files=["large.bin", "small.txt"])

    mail = desk.mails(1)[0].mail
    assert [each.get_filename() for each in mail.iter_attachments()] == ["small.txt"]
    assert "large.bin, 16000000 bytes" in plain(mail)


def test_an_idle_that_ends_is_begun_again(desk: Desk) -> None:
    desk.stage.imap.wait_for(lambda: desk.stage.imap.waiting)
    desk.brings("Done.", session_id="s1")

    desk.stage.imap.drop()
    desk.answers("go on")

    assert desk.texts() == ["go on"]


@pytest.mark.parametrize("verb", ["CAPABILITY", "LOGIN", "SELECT", "SEARCH", "FETCH", "STORE", "IDLE"])
def test_wherever_the_mailbox_goes_away_a_mail_is_taken_once(desk: Desk, verb: str) -> None:
    desk.stage.imap.wait_for(lambda: desk.stage.imap.waiting)
    desk.brings("Done.", session_id="s1")
    desk.stage.imap.rude[verb] = 1
    if verb in ("CAPABILITY", "LOGIN", "SELECT"):
        desk.stage.imap.drop()

    desk.answers("go on")

    assert desk.texts() == ["go on"]
    assert len(desk.router.repeated) == (verb == "STORE")


def test_a_mailbox_that_is_numbered_anew_does_nothing_again(desk: Desk) -> None:
    desk.brings("Done.", session_id="s1")
    desk.answers("go on")

    desk.stage.imap.renumber()
    desk.stage.imap.drop()

    [uid] = desk.stage.imap.mails
    desk.stage.imap.wait_for(lambda: desk.stage.imap.is_done(uid))
    assert desk.texts() == ["go on"]
    assert [each.update_key for each in desk.router.repeated] == [desk.router.submitted[0].update_key]


def test_a_mail_that_came_twice_is_taken_once(desk: Desk) -> None:
    desk.brings("Done.", session_id="s1")

    for _ in range(2):
        desk.answers("go on")

    assert (desk.texts(), len(desk.router.repeated)) == (["go on"], 1)


def test_a_server_without_keywords_marks_by_seen(stage: MailStage) -> None:
    from tests.integration.webhook_adapter.courier_process import API_KEY
    from tests.rigs.scripted_outbox import ChatLinkStandIn

    stage.imap.permanent = r"\Seen \Flagged"
    with ChatLinkStandIn(api_key=API_KEY) as router:
        desk = Desk(router, stage)
        desk.brings("Done.", session_id="s1")
        uid = desk.answers("go on")
        desk.courier.stop()

    assert stage.imap.flags(uid) == {"\\Seen"}


def test_what_a_server_tells_of_other_mails_is_not_this_one(desk: Desk) -> None:
    desk.stage.imap.chatter = b"* 9 FETCH (UID 99 FLAGS (\\Seen) RFC822.SIZE 1)\r\n* 5 EXPUNGE\r\n"
    desk.brings("Done.", session_id="s1")

    desk.answers("go on")

    assert desk.texts() == ["go on"]


def test_a_mail_is_not_marked_before_it_is_stored(desk: Desk) -> None:
    desk.brings("Done.", session_id="s1")
    desk.router.refuse_submits(grpc.StatusCode.UNAVAILABLE, 1)

    uid = desk.stage.imap.put(
        written("go on", ADA, desk.mails(1)[0].mail["Reply-To"].addresses[0].addr_spec, message_id="a@b")
    )
    desk.router.wait_for(lambda: not desk.router.refusals_left)
    marked_too_soon = desk.stage.imap.is_done(uid)
    desk.stage.imap.wait_for(lambda: desk.stage.imap.is_done(uid))

    assert not marked_too_soon
    assert desk.texts() == ["go on"]


def test_a_mail_over_which_the_router_fails_is_put_aside_for_people(desk: Desk) -> None:
    desk.brings("Done.", session_id="s1")
    desk.router.refuse_submits(grpc.StatusCode.INTERNAL, 3)

    uid = desk.answers("odd")
    desk.answers("even", number=2)

    assert "\\Flagged" in desk.stage.imap.flags(uid)
    assert desk.texts() == ["even"]


def test_a_mail_that_nobody_makes_is_answered_and_not_taken(desk: Desk) -> None:
    desk.brings("Done.", session_id="s1")
    to = desk.mails(1)[0].mail["Reply-To"].addresses[0].addr_spec
    parts = b"".join(b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\nx\r\n" for _ in range(200))
    head = f"From: {ADA}\r\nTo: {to}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".encode()

    desk.comes(head + parts + b"--b--\r\n")

    assert [each.file_problem for each in desk.router.submitted] == ["it has too many parts"]


def test_our_address_is_who_sends(desk: Desk) -> None:
    desk.brings("Done.")

    assert [(each.sender, each.recipient) for each in desk.mails(1)] == [(ADDRESS, ADA)]
