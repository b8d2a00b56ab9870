"""What doctor says of the mail servers that the settings name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pointsman.config import resolve
from pointsman.doctor.mail import mail
from tests.integration.webhook_adapter.transports.conformance.mail_stage import MailStage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[MailStage]:
    stage = MailStage(tmp_path)
    yield stage
    stage.close()


def found(folder: Path, environ: dict[str, str]) -> list[tuple[str, str, str]]:
    nowhere = {"POINTSMAN_DATA_DIR": str(folder / "data"), "POINTSMAN_ROUTER": f"unix:{folder}/no-router"}
    return [(each.check, each.level.value, each.found) for each in mail(resolve({}, nowhere | environ))]


def test_without_an_address_mail_is_off(tmp_path: Path) -> None:
    assert found(tmp_path, {}) == [("mail", "ok", "off; POINTSMAN_MAIL_ADDRESS turns it on")]


def test_both_servers_are_looked_at(stage: MailStage, tmp_path: Path) -> None:
    stage.smtp.extensions = ["SIZE 50000000"]

    assert found(tmp_path, stage.settings) == [
        ("mail", "warn", "mail servers are asked without TLS"),
        ("mail", "ok", f"localhost:{stage.smtp.port} takes mails of pointsman@example.org"),
        ("mailbox", "ok", f"localhost:{stage.imap.port}, folder INBOX"),
    ]


def test_what_is_wrong_is_said_in_the_servers_words(stage: MailStage, tmp_path: Path) -> None:
    _, smtp, imap = found(tmp_path, stage.settings | {"POINTSMAN_MAIL_PASSWORD": "wrong"})

    assert smtp == ("mail", "fail", "no mail goes out: 535 5.7.8 wrong")
    assert imap[:2] == ("mailbox", "fail")
    assert "does not let us in" in imap[2]


def test_what_people_should_know_is_a_warning(stage: MailStage, tmp_path: Path) -> None:
    stage.imap.permanent = "\\Seen"

    _, smtp, imap = found(tmp_path, stage.settings)

    assert (smtp[1], imap[1]) == ("warn", "warn")
    assert "takes mails of 9 MiB at most" in smtp[2]
    assert "keeps no keywords" in imap[2]


def test_nobody_can_answer_without_a_mailbox(stage: MailStage, tmp_path: Path) -> None:
    *_, mailbox = found(tmp_path, stage.settings | {"POINTSMAN_MAIL_IMAP": ""})

    assert mailbox == ("mailbox", "warn", "nobody can answer by mail")
