"""A platform that is down, and a week without an answer: with Telegram, real mail servers, and time that is moved."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.from_monday_to_thursday import PAGE, play
from tests.e2e.two_ways import TwoWays, plain, two_ways
from tests.rigs.mail_servers import MailServers, mail_servers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
MINUTE = 60


@pytest.fixture
def servers() -> Iterator[MailServers]:
    # Not in a folder of pytest's: the servers' accounts have to reach it.
    folder = Path(tempfile.mkdtemp(prefix="mail-"))
    folder.chmod(0o755)
    try:
        with mail_servers(folder / "servers") as servers:
            yield servers
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stage(servers: MailServers, tmp_path: Path) -> Iterator[TwoWays]:
    with two_ways(tmp_path, servers) as stage:
        yield stage


def test_while_telegram_is_down_for_an_hour_every_question_comes_by_mail_and_nothing_twice(stage: TwoWays) -> None:
    questions = [f"Question {number}?" for number in range(5)]
    stage.telegram_goes_down()
    for question in questions:
        stage.ask(question)
    stage.passes(5 * MINUTE + 1)
    by_mail = [stage.mails(question)[0] for question in questions]
    stage.passes(55 * MINUTE)
    reminders = stage.mails("Still open since", 5)
    stage.telegram_is_back()
    after = stage.ask("And after?")
    stage.sees("And after?")

    assert after
    assert all("Still open" not in plain(mail) for mail in by_mail)
    assert len(reminders) == 5
    # Each of the five once as itself, by mail, and in Telegram not at all.
    asked = [mail for mail in stage.servers.mailbox("ada") if "Still open" not in plain(mail)]
    assert sorted(q for q in questions for mail in asked if q in plain(mail)) == questions
    assert [message.text.splitlines()[-1] for message in stage.in_telegram()] == ["❓ And after?"] or all(
        question not in message.text for message in stage.in_telegram() for question in questions
    )
    assert stage.waits_for_telegram()[:5] == ["DELIVERED it was shown elsewhere in its place"] * 5


def test_the_week_is_as_the_page_shows_it(servers: MailServers, tmp_path: Path) -> None:
    with two_ways(tmp_path, servers) as stage:
        seen = play(stage)

    assert seen == PAGE.read_text(), "if the words are meant: python -m tests.e2e.from_monday_to_thursday"
