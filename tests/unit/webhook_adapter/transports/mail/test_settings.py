"""The settings of mail, as the courier and the command line read them."""

from pathlib import Path

import pytest

from pointsman import mail_checks
from pointsman.config import BadSettings, resolve
from router.domain.wording import questions
from webhook_adapter.config import AdapterConfig, ConfigError
from webhook_adapter.transports.mail.inbound import questions as of_mail
from webhook_adapter.transports.mail.settings import LONGEST_LOCAL, Server, from_environ, person_address

WHOLE = {
    "POINTSMAN_MAIL_ADDRESS": "Pointsman@example.org",
    "POINTSMAN_MAIL_SMTP": "smtps://mail.example.org",
    "POINTSMAN_MAIL_IMAP": "imap://mail.example.org:1143",
    "POINTSMAN_MAIL_PASSWORD": "letmein",
    "POINTSMAN_MAIL_TOKEN_KEY": "k" * 43,
    "ALLOWED_MAIL_ADDRESSES": "Ada@example.com, eva+x@example.com,ada@example.com",
}


def test_mail_is_off_without_an_address() -> None:
    assert from_environ({}) is None


def test_a_mailbox_with_its_servers_and_people() -> None:
    read = from_environ(WHOLE)

    assert read is not None
    assert (read.address, read.user, read.folder) == ("pointsman@example.org", "pointsman@example.org", "INBOX")
    assert (read.smtp, read.imap) == (
        Server("mail.example.org", 465, implicit=True), Server("mail.example.org", 1143, implicit=False)
    )  # fmt: skip
    assert read.allowed == ("ada@example.com", "eva+x@example.com")
    assert not read.plain


def test_its_secrets_are_shown_nowhere() -> None:
    config = AdapterConfig.from_environ(WHOLE | {"POINTSMAN_API_KEY": "pmk_key"})

    assert "letmein" not in repr(from_environ(WHOLE))
    assert "kkk" not in repr(from_environ(WHOLE))
    assert {"letmein", "k" * 43} <= set(config.secrets)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POINTSMAN_MAIL_ADDRESS", "pointsman"),
        ("POINTSMAN_MAIL_ADDRESS", "point+sman@example.org"),
        ("POINTSMAN_MAIL_ADDRESS", "x" * (LONGEST_LOCAL + 1) + "@example.org"),
        ("POINTSMAN_MAIL_SMTP", ""),
        ("POINTSMAN_MAIL_SMTP", "mail.example.org:25"),
        ("POINTSMAN_MAIL_SMTP", "imap://mail.example.org"),
        ("POINTSMAN_MAIL_SMTP", "smtp://user@mail.example.org"),
        ("POINTSMAN_MAIL_SMTP", "smtp://mail.example.org:99999"),
        ("POINTSMAN_MAIL_IMAP", "smtp://mail.example.org"),
        ("POINTSMAN_MAIL_TOKEN_KEY", "short"),
        ("POINTSMAN_MAIL_CA", "/nowhere"),
        ("ALLOWED_MAIL_ADDRESSES", "ada"),
        ("ALLOWED_MAIL_ADDRESSES", "ada@example.com eva@example.com"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        from_environ(WHOLE | {name: value})


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (mail_checks.own_address, "pointsman@example.org", "point+sman@example.org"),
        (mail_checks.own_address, "x" * LONGEST_LOCAL + "@h.org", "x" * (LONGEST_LOCAL + 1) + "@h.org"),
        (mail_checks.addresses, "ada@example.com, eva+x@example.com", "ada@example.com;eva@example.com"),
        (mail_checks.smtp_server, "smtps://mail.example.org:465", "mail.example.org:465"),
        (mail_checks.imap_server, "imap://127.0.0.1", "imap://user:pass@127.0.0.1"),
    ],
)
def test_the_command_line_says_the_same(check: object, good: str, bad: str) -> None:
    assert callable(check)
    assert check(good) == ""
    assert check(bad)


@pytest.mark.parametrize(
    "address", ["", "ada", "a b@example.com", "é@example.com", "<ada@example.com>", "a" * 200 + "@b.c"]
)
def test_nobody_is_written_to_at(address: str) -> None:
    assert person_address(address) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"POINTSMAN_MAIL_SMTP": ""}, "POINTSMAN_MAIL_ADDRESS needs POINTSMAN_MAIL_SMTP"),
        ({"POINTSMAN_MAIL_PASSWORD": ""}, "POINTSMAN_MAIL_IMAP needs POINTSMAN_MAIL_PASSWORD"),
        ({"POINTSMAN_MAIL_CA": "/nowhere"}, "POINTSMAN_MAIL_CA: no file /nowhere"),
    ],
)
def test_what_does_not_go_together_is_said_before_anything_starts(
    changes: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(BadSettings, match=words):
        resolve({}, WHOLE | {"POINTSMAN_DATA_DIR": str(tmp_path)} | changes)


def test_the_router_says_that_a_question_takes_a_code_in_words_that_we_know() -> None:
    assert of_mail._WANTS_CODE in questions.NEEDS_CODE
