"""A day with the product from the phone alone; `python -m tests.e2e.from_the_phone` writes it down for the reader.

The person acts in the chat and nowhere else. What happens on the machines (a session says something, a machine goes
away) is done by the stage.
"""

import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentlink.v1 import types_pb2 as types

from tests.e2e.phone import Phone
from tests.e2e.system import CHAT, POINTSMAN, Pane, System
from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_state import Person
from tests.integration.router.permissions.asking import ask, withdraw
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.waiting import wait_until

PAGE = Path(__file__).parents[2] / "docs" / "from-the-phone.md"
FORUM = -1001234567890
HEAD = """\
# From the phone

Everything that matters can be done from the chat. This is a day of one person, as a test plays it against the running
product (`tests/e2e/from_the_phone.py`); the words are the product's own. `You` is the person, `Bot` is what the phone
shows, and the lines in brackets are what happens on the machines meanwhile.

The first time, somebody at the machine runs `pointsman pair` and the phone scans its QR code, or opens its link:
Telegram shows Start, and the bot says who you are there. From then on it is the same for everybody
([telegram.md](telegram.md) says who may what).
"""
DIFF = "Fixed it:\n@@ -1 +1 @@\n-return a < b\n+return a > b\n\nCommit?"


class Stage:
    """The machines behind the chat."""

    def __init__(self, folder: Path, system: System, transcript: list[str]) -> None:
        self._folder = folder
        self._system = system
        self._transcript = transcript
        self._laptop = {"POINTSMAN_DATA_DIR": str(folder / "laptop"), "POINTSMAN_MACHINE_ID": "laptop"}
        self._agent: subprocess.Popen[str] | None = None

    def chapter(self, title: str) -> None:
        """Begin a chapter of the page."""
        self._transcript.append(f"```\n\n## {title}\n\n```text")

    def tell(self, what: str) -> None:
        """Note what happens on the machines."""
        self._transcript.append(f"     [{what}]")

    def says(self, pane: Pane, text: str, *buttons: str) -> None:
        """A session says something, and the router knows which message that became: people are slower than that."""
        offers = [word for button in buttons for word in ("--button", button)]
        self._system.cli("notify", pane.session_id, text, *offers)
        self.delivered()

    def delivered(self) -> None:
        """Everything said has become a message, and the router knows which."""
        self._system.all_delivered()

    def typed(self, pane: Pane, text: str) -> None:
        """The terminal gets a line, perhaps behind an Esc."""
        wait_until(lambda: text in [line.lstrip("\x1b") for line in pane.typed()], 30)
        self.tell(f"typed into the terminal: {text}")

    def enrol_laptop(self) -> None:
        token = self._system.cli("machine", "token", "--machine", "laptop", "--json")["joinToken"]
        self._system.cli("enroll", self._system.router, token, **self._laptop)

    def laptop_wakes(self) -> None:
        env = self._system.environ() | self._laptop | {"POINTSMAN_ROUTER": self._system.router}
        argv = [*POINTSMAN, "agent"]
        self._agent = subprocess.Popen(
            argv, env=env, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._system.wait_for_machine("laptop", connected=True)

    def laptop_sleeps(self) -> None:
        if self._agent is not None:
            self._agent.send_signal(signal.SIGTERM)
            self._agent.wait(15)
            assert self._agent.stdout is not None
            self._agent.stdout.close()
            self._agent = None
            self._system.wait_for_machine("laptop", connected=False)

    def laptop_pane(self, name: str) -> Pane:
        return self._system.pane(name, environ=self._laptop)

    @contextmanager
    def asking_machine(self) -> Iterator[tuple[ThinLink, str]]:
        """A machine whose program asks for permission, and the id of its session."""
        attic = ThinAgent(self._system.router, "attic")
        attic.enrol(self._system.cli("machine", "token", "--machine", "attic", "--json")["joinToken"])
        body = {"sessionId": "backup-job", "machineId": "attic", "label": "backup"}
        assert self._system.rest("POST", "/sessions/register", body).status_code == 200
        with attic.connected() as link:
            yield link, "backup-job"
        attic.close()

    def carried_out(self, link: ThinLink, seq: int) -> types.PermissionDecision:
        """The machine tells its program what was decided; what that was."""
        [frame] = link.commands(1)
        link.receipt(frame.command_id)
        link.result(seq, frame.command_id)
        self.tell("the program is told")
        return frame.action.permission_decision

    def ends(self, session_id: str) -> None:
        """A session is over, wherever its machine is."""
        body = {"sessionId": session_id}
        assert self._system.rest("POST", "/sessions/unregister", body).status_code == 200


@contextmanager
def _running(folder: Path, transcript: list[str]) -> Iterator[tuple[TelegramStandIn, Stage, System]]:
    with TelegramStandIn(seed=11) as telegram:
        telegram.add_chat(CHAT)
        telegram.world.people[CHAT] = Person(CHAT, "Ada")
        telegram.add_chat(FORUM, title="Ops", is_forum=True)
        people = {"ALLOWED_CHAT_IDS": f"{CHAT},{FORUM}", "ALLOWED_USER_IDS": str(CHAT)}
        system = System(folder, telegram, **people)
        stage = Stage(folder, system, transcript)
        try:
            system.start()
            yield telegram, stage, system
        finally:
            stage.laptop_sleeps()
            system.stop()


def _look_around(phone: Phone, stage: Stage) -> None:
    stage.chapter("Looking around")
    phone.writes("/start")
    phone.sees("Reply to a message of a session")
    phone.writes("/sessions")
    phone.sees("• api - devbox")
    phone.writes("/status")
    phone.sees("Chosen: none")


def _answer(phone: Phone, stage: Stage, api: Pane) -> None:
    stage.chapter("Answering a session")
    stage.says(api, DIFF, "Yes=yes", "No=no")
    question = phone.sees("Commit?")
    phone.presses(question, "Yes")
    stage.typed(api, "y")
    phone.sees_change(question, "✓ Yes — Ada")
    phone.sees_mark(question)
    reply = phone.writes("now run the tests", reply_to=question)
    stage.typed(api, "now run the tests")
    phone.sees_mark(reply)
    phone.edits(reply, "now delete the tests")
    phone.sees("Editing a message changes nothing")
    stage.says(api, "\n".join(f"test {number} passed" for number in range(2_000)))
    phone.sees("devbox · api")
    phone.sees("test 1999 passed")


def _permit(phone: Phone, stage: Stage) -> None:
    stage.chapter("Permissions")
    with stage.asking_machine() as (link, session_id):
        ask(link, session_id, input="git push origin main")
        question = phone.sees("May it use Bash?")
        stage.delivered()
        phone.presses(question, "✅ Allow")
        phone.sees_change(question, "Allowed by Ada")
        assert stage.carried_out(link, 2).option_id == "allow"
        phone.sees_mark(question)
        ask(link, session_id, seq=3, input="rm -r build")
        question = phone.sees("rm -r build")
        stage.delivered()
        phone.presses(question, "💬 Deny with reason")
        reason = phone.writes("use make clean", reply_to=question)
        phone.sees_change(question, "Denied by Ada")
        assert stage.carried_out(link, 4).text == "use make clean"
        phone.sees_mark(reason)
        third = ask(link, session_id, seq=5, input="git fetch")
        question = phone.sees("git fetch")
        stage.tell("somebody at the terminal is faster")
        withdraw(link, third, types.PERMISSION_STATE_ANSWERED_ELSEWHERE, seq=6)
        phone.sees_change(question, "Answered at the terminal")
    stage.ends(session_id)


def _choose(phone: Phone, stage: Stage, web: Pane) -> None:
    stage.chapter("Choosing a session, and stopping it")
    written = phone.writes("add a footer")
    asked = phone.sees("Which session is this for?")
    phone.presses(asked, "web · devbox")
    stage.typed(web, "add a footer")
    phone.sees_change(asked, "✓ web · devbox — Ada")
    phone.sees_mark(written)
    phone.writes("/use")
    offered = phone.sees("Which one?")
    phone.presses(offered, "web · devbox")
    phone.sees_change(offered, "✓ web · devbox — Ada")
    phone.writes("and a header")
    stage.typed(web, "and a header")
    phone.sees("Typed into web")
    phone.writes("/key")
    pad = phone.sees("Which key for web?")
    phone.presses(pad, "enter")
    phone.sees_change(pad, "✓ enter — Ada")
    phone.sees_mark(pad)
    stage.says(web, "Thinking about the footer…")
    phone.sees_mark(phone.writes("/stop", reply_to=phone.sees("Thinking")))


def _away(phone: Phone, stage: Stage, notes: Pane) -> None:
    stage.chapter("A machine that is away")
    stage.says(notes, "Anything else?")
    said = phone.sees("Anything else?")
    stage.laptop_sleeps()
    stage.tell("the laptop goes to sleep")
    phone.writes("write it down", reply_to=said)
    first = phone.sees("laptop is away")
    phone.presses(first, "✋ Take back")
    phone.sees_change(first, "Taken back")
    phone.writes("write this down", reply_to=said)
    second = phone.sees("laptop is away")
    phone.writes("/policy")
    policy = phone.sees("however long that took")
    phone.presses(policy, "Ask me first")
    phone.sees_change(policy, "✓ Ask me first — Ada")
    stage.laptop_wakes()
    stage.tell("the laptop wakes up within the hour: nobody has to be asked")
    stage.typed(notes, "write this down")
    phone.sees_change(second, "Typed into notes")


def _dead_letters(phone: Phone, stage: Stage, notes: Pane, web: Pane) -> None:
    stage.chapter("What cannot be delivered")
    stage.says(notes, "Still here.")
    said = phone.sees("Still here.")
    stage.laptop_sleeps()
    phone.writes("summarise the day", reply_to=said)
    phone.sees("laptop is away")
    phone.writes("and the night", reply_to=said)
    phone.sees("laptop is away")
    stage.ends(notes.session_id)
    stage.tell("the laptop's session ends while the laptop is away")
    letter = phone.sees("Given up for notes")
    other = phone.sees("Given up for notes")
    phone.presses(letter, "↪️ Send to…")
    phone.sees_button(letter, "web")
    phone.presses(letter, "web")
    stage.typed(web, "summarise the day")
    phone.sees_change(letter, "Sent again to web")
    phone.writes("/dead")
    phone.sees("1 dead letter:")
    shown = phone.sees("and the night")
    phone.presses(shown, "🔁 Retry")
    phone.presses(shown, "🗑 Drop")
    phone.sees_change(shown, "Dropped")
    stage.tell("the person finds an old message")
    phone.presses(other, "🔁 Retry")


def _quiet(phone: Phone, stage: Stage, api: Pane) -> None:
    stage.chapter("Silence")
    stage.says(api, "Compiling…")
    phone.writes("/mute", reply_to=phone.sees("Compiling"))
    phone.sees("api makes no sound")
    phone.writes("/quiet 22-7")
    phone.sees("Quiet from 22:00-07:00")
    phone.writes("/quiet off")
    phone.sees("No quiet hours")


def _topics(phone: Phone, stage: Stage, telegram: TelegramStandIn, web: Pane) -> None:
    stage.chapter("A topic for each session, in a group with topics")
    phone.writes("/topics on")
    phone.sees("Each session gets its own topic")
    stage.says(web, "Deployed. What next?")
    asked = phone.sees("Deployed")
    stage.tell("the message stands in a new topic: devbox · web")
    phone.sees_mark(phone.writes("check the logs", beside=asked))
    stage.typed(web, "check the logs")
    stage.ends(web.session_id)
    phone.sees("This session has ended")
    telegram.wait_for(lambda: asked.thread_id in telegram.world.chats[FORUM].closed_topics)
    stage.tell("the topic is closed")


def play(folder: Path) -> str:
    """Play the day; the page it makes."""
    transcript: list[str] = []
    with _running(folder, transcript) as (telegram, stage, system):
        phone, group = (Phone(telegram, system.delivered, chat, CHAT, transcript) for chat in (CHAT, FORUM))
        api, web = system.pane("api"), system.pane("web")
        stage.enrol_laptop()
        stage.laptop_wakes()
        notes = stage.laptop_pane("notes")
        _look_around(phone, stage)
        _answer(phone, stage, api)
        _permit(phone, stage)
        _choose(phone, stage, web)
        _away(phone, stage, notes)
        _dead_letters(phone, stage, notes, web)
        _quiet(phone, stage, api)
        _topics(group, stage, telegram, web)
    page = HEAD + "\n".join(transcript).removeprefix("```\n") + "\n```\n"
    return "\n".join(line.rstrip() for line in page.splitlines()) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="pm-phone-") as made:
        PAGE.write_text(play(Path(made)))
    print(f"wrote {PAGE.name}")
