"""What somebody answers by mail reaches the router; what is not meant for it does not."""

import time
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from tests.fakes.mails import written
from tests.integration.webhook_adapter.mail.desk import ADA, ADDRESS, Desk, plain
from tests.integration.webhook_adapter.transports.conformance.mail_stage import KEY
from tests.unit.webhook_adapter.transports.mail.inbound.test_bounces import report
from webhook_adapter.transports.mail.inbound import replies
from webhook_adapter.transports.mail.reply_token import ReplyTokens

QUOTED = "\n\nOn Mon, 30 Nov 2026, Pointsman <pointsman@example.org> wrote:\n> Done."


def test_an_answer_is_a_reply_to_that_message(desk: Desk) -> None:
    parcel = desk.brings("Done.", session_id="s1")

    desk.answers(f"go on{QUOTED}")

    [said] = desk.router.submitted
    assert (said.text, said.reply_to_message_id, said.reply_to_ours) == ("go on", parcel.message_ids[0], True)
    assert (said.chat.chat_id, said.chat.message_id, said.user_id) == (ADA, "their-1@phone.example", ADA)
    assert not said.needs_pairing


@pytest.mark.parametrize(("text", "data"), [("1", "allow"), ("deny", "deny")])
def test_a_question_is_answered_by_number_or_word(desk: Desk, text: str, data: str) -> None:
    parcel = desk.asks()

    desk.answers(f"{text}{QUOTED}")

    [said] = desk.router.submitted
    assert said.button.data == f"cmd:tok16characters_:{data}"
    assert said.chat.message_id == parcel.message_ids[0]


def test_words_come_with_the_choice_that_wants_them(desk: Desk) -> None:
    parcel = desk.asks()

    desk.answers("3: use the sandbox")

    [said] = desk.router.submitted
    assert (said.text, said.reply_to_message_id) == ("use the sandbox", parcel.message_ids[0])
    assert not said.HasField("button")


@pytest.mark.parametrize("text", ["yes, go ahead", "", "1 but only once", "123456", "/stop"])
def test_what_is_no_choice_is_asked_back_and_answers_nothing(desk: Desk, text: str) -> None:
    desk.asks()

    desk.answers(text)

    asked_back = desk.mails(2)[-1].mail
    assert desk.router.submitted == []
    assert asked_back["In-Reply-To"] == "<their-1@phone.example>"
    assert asked_back["Auto-Submitted"] == "auto-replied"
    assert "nothing was done" in plain(asked_back)
    assert "1. ✅ Allow\n2. ❌ Deny\n" in plain(asked_back)


def test_the_mail_that_asks_back_can_be_answered(desk: Desk) -> None:
    desk.asks()
    desk.answers("well")

    desk.answers("2", desk.mails(2)[-1], number=2)

    assert desk.texts() == ["cmd:tok16characters_:deny"]


def test_a_question_that_wants_ones_own_words_takes_them(desk: Desk) -> None:
    desk.asks(kind=3, options=4)  # one more than there are buttons

    desk.answers("neither: wait for me")

    assert desk.texts() == ["neither: wait for me"]


def test_files_come_as_files_and_the_first_has_the_words(desk: Desk) -> None:
    desk.brings("Done.", session_id="s1")
    to = desk.mails(1)[0].mail["Reply-To"].addresses[0].addr_spec
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Message-ID"] = ADA, to, "<files@phone.example>"
    mail.set_content("look")
    for name in ("a.png", "b.png"):
        mail.add_attachment(name.encode() * 200_000, maintype="image", subtype="png", filename=name)

    desk.comes(mail.as_bytes())

    first, second = desk.router.submitted
    assert [(each.text, each.file.name) for each in (first, second)] == [("look", "a.png"), ("", "b.png")]
    assert first.album == second.album != ""
    assert b"".join(desk.router.brought[first.file.file_id]) == b"a.png" * 200_000
    assert second.file.size == 1_000_000


@pytest.mark.parametrize(
    ("sender", "headers"),
    [
        ("eva@example.org", {}),
        ("mallory@example.com", {}),
        (ADA, {"Auto_Submitted": "auto-replied"}),
        (ADA, {"Precedence": "bulk"}),
        (ADA, {"List_Id": "<list.example.org>"}),
        (ADDRESS, {}),
    ],
    ids=["another's token", "a stranger's", "on holiday", "bulk", "a list", "our own"],
)
def test_what_hands_in_nothing(desk: Desk, sender: str, headers: dict[str, str]) -> None:
    desk.brings("Done.", session_id="s1")

    desk.answers("rm -rf /", sender=sender, **headers)

    assert desk.router.submitted == []


def test_a_token_alone_lets_nobody_in_who_may_not_write(desk: Desk) -> None:
    parcel = desk.brings("Done.", session_id="s1")
    to = ReplyTokens(KEY.encode(), ADDRESS).address(parcel.id, "mallory@example.com", time.time())

    desk.comes(written("rm -rf /", "mallory@example.com", to))

    assert desk.router.submitted == []
    assert [each.user_id for each in desk.router.strangers] == ["mallory@example.com"]


def test_of_who_was_let_in_by_a_code_the_router_has_the_last_word(desk: Desk) -> None:
    parcel = desk.brings("Done.", session_id="s1")
    desk.router.acquainted.add("eva@example.com")
    to = ReplyTokens(KEY.encode(), ADDRESS).address(parcel.id, "eva@example.com", time.time())

    desk.comes(written("go on", "eva@example.com", to))

    [said] = desk.router.submitted
    assert (said.chat.chat_id, said.user_id, said.needs_pairing) == ("eva@example.com", "eva@example.com", True)


def test_a_stranger_is_reported_and_hears_nothing(desk: Desk) -> None:
    desk.comes(written("hello", "mallory@example.com", ADDRESS))

    assert [each.user_id for each in desk.router.strangers] == ["mallory@example.com"]
    assert (desk.router.submitted, desk.stage.smtp.arrived) == ([], [])


@pytest.mark.parametrize(
    ("text", "subject"), [("/pair ABCD-EFGH-IJKL", "hi"), ("\n", "ABCDEFGHIJKL"), ("abcd-efgh-ijkl", "")]
)
def test_a_code_lets_somebody_in(desk: Desk, text: str, subject: str) -> None:
    desk.comes(written(text, "Eva@example.com", ADDRESS, subject=subject))

    [paired] = desk.router.paired
    assert (paired.chat.chat_id, paired.user_id, paired.user_name) == ("eva@example.com", "eva@example.com", "Ada")
    assert paired.code.replace("-", "").upper() == "ABCDEFGHIJKL"


def test_who_is_allowed_and_has_no_token_is_told_how_to_write(desk: Desk) -> None:
    desk.comes(written("/sessions", ADA, ADDRESS, message_id="their-0@phone.example"))
    [told] = desk.mails(1)

    assert desk.router.submitted == []
    assert "Answer this mail to say it" in plain(told.mail)
    desk.answers("/sessions", told)
    [said] = desk.router.submitted
    assert (said.text, said.reply_to_message_id, said.reply_to_ours) == ("/sessions", "", False)


def test_an_address_that_is_over_is_answered_with_another_one(desk: Desk) -> None:
    parcel = desk.brings("Done.", session_id="s1")
    month_ago = time.time() - 40 * 86_400
    old = ReplyTokens(KEY.encode(), ADDRESS).address(parcel.id, ADA, month_ago)

    desk.comes(written("go on", ADA, old))

    assert desk.router.submitted == []
    assert "30 days" in plain(desk.mails(2)[-1].mail)
    desk.answers("go on")
    assert [each.reply_to_message_id for each in desk.router.submitted] == parcel.message_ids


def test_a_mail_that_is_too_large_is_not_fetched(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.brings("Done.", session_id="s1")
    monkeypatch.setattr(replies, "MAX_MAIL", 1_000)

    desk.answers("x" * 2_000)

    [said] = desk.router.submitted
    assert (said.text, said.file_problem) == ("", replies.TOO_LARGE)
    assert desk.stage.imap.said.count("FETCH") == 1


def test_nobody_makes_us_write_again_and_again(desk: Desk) -> None:
    for number in range(8):
        desk.comes(written("hello", ADA, ADDRESS, message_id=f"their-{number}@phone.example"))

    assert len(desk.stage.smtp.arrived) == 5


def test_a_mail_that_came_back_closes_the_address_and_is_told(desk: Desk) -> None:
    desk.brings("Done.", session_id="s1")
    to = desk.mails(1)[0].mail["Reply-To"].addresses[0].addr_spec

    desk.comes(report(reply_to=to).replace(b"ada@example.com", ADA.encode()))

    [knock] = desk.router.submitted
    assert (knock.chat.chat_id, knock.edited, knock.text) == (ADA, True, "")
    refused = desk.brings("more", session_id="s1").receipts[-1].refused
    assert refused.chat_closed
    assert "user unknown" in refused.detail
    assert desk.brings("hello", desk.stage.elsewhere).ended == "delivered"


def test_whoever_writes_is_there_again(desk: Desk) -> None:
    desk.brings("Done.", session_id="s1")
    [mail] = desk.mails(1)
    to = mail.mail["Reply-To"].addresses[0].addr_spec
    desk.comes(report(reply_to=to).replace(b"ada@example.com", ADA.encode()))

    desk.answers("I am here", mail)

    assert desk.brings("more", session_id="s1").ended == "delivered"
