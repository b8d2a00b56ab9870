"""Somebody without a messenger: a session writes and asks by mail, they answer by mail, through real mail servers."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.e2e.system import POINTSMAN, Pane, System, running
from tests.fakes.mails import written
from tests.rigs.mail_servers import MailServers, mail_servers
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

ADA = "ada@example.org"


@pytest.fixture(scope="module")
def servers() -> Iterator[MailServers]:
    # Not in a folder of pytest's: the servers' accounts have to reach it.
    folder = Path(tempfile.mkdtemp(prefix="mail-"))
    folder.chmod(0o755)
    try:
        with mail_servers(folder / "servers") as servers:
            yield servers
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def system(servers: MailServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("e2e"), **servers.settings) as one:
        one.cli("escalate", "off")  # a mail comes at once, beside the chat that this one has, too
        yield one


@pytest.fixture(scope="module")
def pane(system: System) -> Pane:
    return system.pane("work")


def arrives(servers: MailServers, text: str) -> EmailMessage:
    """The mail with this text, once Ada has it."""

    def found() -> list[EmailMessage]:
        return [each for each in servers.mailbox("ada") if text in words(each)]

    return wait_until(found, 60)[0]


def words(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""


def answers(servers: MailServers, mail: EmailMessage, text: str, name: str) -> None:
    to = mail["Reply-To"].addresses[0].addr_spec
    quoted = "".join(f"> {line}\n" for line in words(mail).splitlines())
    said = f"{text}\n\nOn Mon, 30 Nov 2026 at 10:12, Pointsman <pointsman@example.org> wrote:\n\n{quoted}"
    servers.send("ada", to, written(said, ADA, to, message_id=f"{name}@phone.example", In_Reply_To=mail["Message-ID"]))


def test_what_a_session_says_comes_by_mail_and_the_answer_is_typed(
    system: System, pane: Pane, servers: MailServers
) -> None:
    system.cli("notify", pane.session_id, "The tests pass.")

    answers(servers, arrives(servers, "The tests pass."), "commit it", "one")

    assert pane.wait_for(1, 60) == ["commit it"]


def test_a_question_is_answered_by_its_number(system: System, pane: Pane, servers: MailServers) -> None:
    asked = subprocess.Popen(
        [*POINTSMAN, "ask", pane.session_id, "Which branch?", "--option", "main", "--option", "next"],
        env=system.environ() | {"POINTSMAN_ROUTER": system.router}, stdout=subprocess.PIPE, text=True, cwd="/",
    )  # fmt: skip
    mail = arrives(servers, "Which branch?")
    assert "1. main" in words(mail)

    answers(servers, mail, "the second, I think", "two")
    asked_back = arrives(servers, "none of the choices")
    assert asked.poll() is None
    answers(servers, asked_back, "2", "three")

    told, _ = asked.communicate(timeout=60)
    assert told.strip().splitlines()[-1] == "next"


def test_an_answer_arrives_once_whenever_the_courier_is_killed(
    system: System, pane: Pane, servers: MailServers
) -> None:
    system.cli("notify", pane.session_id, "Which of these next?")
    mail = arrives(servers, "Which of these next?")
    before = len(pane.typed())

    for number in range(4):
        answers(servers, mail, f"number {number}", f"killed-{number}")
        system.kill("courier")

    lines = pane.wait_for(before + 4, 90)[before:]
    wait_until(lambda: all("$Pointsman" in each for each in servers.flags("pointsman")), 60)
    assert sorted(lines) == [f"number {number}" for number in range(4)]
    assert len(pane.typed()) == before + 4


def test_a_message_comes_although_its_courier_was_killed(system: System, pane: Pane, servers: MailServers) -> None:
    for number in range(3):
        system.cli("notify", pane.session_id, f"Step {number} is done.")
        system.kill("courier")

    for number in range(3):
        arrives(servers, f"Step {number} is done.")
    ids = [each["Message-ID"] for each in servers.mailbox("ada") if "Step 0 is done." in words(each)]
    assert len({*ids}) == 1


def test_nobody_answers_in_her_name(system: System, pane: Pane, servers: MailServers) -> None:
    before = len(pane.typed())
    system.cli("notify", pane.session_id, "Anything else?")
    mail = arrives(servers, "Anything else?")

    servers.send("ada", "pointsman@example.org", written("rm -rf /", ADA, "pointsman@example.org"))
    answers(servers, mail, "no, thank you", "last")

    assert pane.wait_for(before + 1, 60)[before:] == ["no, thank you"]
    arrives(servers, "Anybody can write your address into a mail")


def test_doctor_looks_at_both_servers(system: System, servers: MailServers) -> None:
    found = subprocess.run(
        [*POINTSMAN, "doctor", "--json"],
        env=system.environ() | servers.settings,
        capture_output=True,
        text=True,
        cwd="/",
    ).stdout

    assert "takes mails of 9 MiB at most" in found  # as postfix comes
    assert "folder INBOX" in found
