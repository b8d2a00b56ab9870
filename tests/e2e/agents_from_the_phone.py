"""The same day from the phone with other coding agents than Claude Code, the real ones: each plays it by itself.

`python -m tests.e2e.agents_from_the_phone` writes it down for the reader; with the names of some it plays those alone.
"""

import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.phone import Phone
from tests.e2e.system import CHAT, System
from tests.fakes.acp_programs import PROGRAMS
from tests.fakes.model_dialects import Models
from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_state import Message, Person
from tests.rigs.tapped_agent import TappedAgent
from tests.waiting import wait_until

PAGE = Path(__file__).parents[2] / "docs" / "agents-from-the-phone.md"
LONG = 150.0  # seconds; one waits for the next minute, and the largest take half a minute to start on busy cores
HEAD = """\
# Other coding agents, from the phone

The same day as [with Claude Code](from-the-phone.md), with the real programs that speak ACP ([acp.md](acp.md)): each is
started from the chat, talked to, written to while it works, asked, allowed, refused with words, stopped, put into
another mode, killed in the middle of its work, taken up again, and ended. A test plays it
(`tests/e2e/agents_from_the_phone.py`); the words are the product's own, and those of the model are a stand-in's. `You`
is the person, `Bot` is what the phone shows, and the lines in brackets are what happens on the machine meanwhile.
"""


@dataclass(frozen=True)
class Words:
    """What one of them calls things."""

    title: str
    once: str  # the button that allows it this time
    no: str
    mode: str  # the button of one that it has beside the one that asks


_OTHERWISE = re.compile(r"(Wall time|PGID:) [\d.]+")  # each time
AGENTS: Mapping[str, Words] = {
    "gemini": Words("Gemini CLI", "Allow", "Reject", "📋 Plan"),
    "opencode": Words("OpenCode", "Allow once", "Reject", "📋 Plan"),
    "codex": Words("Codex", "Yes, proceed", "No, and tell Codex what to do differently", "✏️ Accept edits"),
}


class Day:
    """One of them, and one person."""

    def __init__(self, name: str, phone: Phone, system: System, agent: TappedAgent, project: Path) -> None:
        self.name, self.words = name, AGENTS[name]
        self.phone, self.system, self.agent, self.project = phone, system, agent, project
        self.transcript: list[str] = phone.transcript

    def tell(self, what: str) -> None:
        """Note what happens on the machine."""
        self.transcript.append(f"     [{what}]")

    def given(self, text: str) -> None:
        """The program gets a text."""
        wait_until(lambda: text in [one.text for one in self.agent.prompted], LONG)
        self.tell(f"given to {self.words.title}: {text}")

    def rests(self) -> None:
        """It has nothing to do; people are slower than that."""
        self._state("IDLE")
        self.system.all_delivered()

    def _state(self, state: str) -> None:
        wait_until(lambda: [one["state"] for one in self.system.sessions()] == [state], LONG)

    def play(self) -> None:
        """From its start to its end."""
        answer = self._started()
        self._beside(answer)
        self._asked(answer)
        self._stopped(answer)
        self._changed(answer)
        self._killed(answer)
        self._ended(answer)

    def _started(self) -> Message:
        self.phone.writes(f"/new devbox {self.name} hello there")
        self.phone.sees("🚀 Started project on devbox.")
        self.given("hello there")
        answer = self.phone.sees("echo: hello there")
        self.rests()
        return answer

    def _beside(self, answer: Message) -> None:
        """A text that comes in a turn."""
        first = self.phone.writes("%slow 5 I read all of it", reply_to=answer)
        self.given("%slow 5 I read all of it")
        second = self.phone.writes("and then the tests", reply_to=answer)
        self.phone.sees("I read all of it")
        self.given("and then the tests")
        self.phone.sees("echo: and then the tests")
        self.rests()
        self.phone.sees_mark(first)
        self.phone.sees_mark(second)

    def _asked(self, answer: Message) -> None:
        self.phone.writes("%bash touch notes", reply_to=answer)
        question = self.phone.sees("touch notes")
        self.phone.presses(question, self.words.once)
        self.phone.sees_change(question, "by Ada")
        wait_until((self.project / "notes").exists, LONG)
        self.tell("the file is made")
        self.phone.sees("tool said")
        self.rests()
        self.phone.writes("%bash rm notes", reply_to=answer)
        question = self.phone.sees("rm notes")
        self.system.all_delivered()
        self.phone.presses(question, "💬 Deny with reason")
        self.phone.writes("keep the notes", reply_to=question)
        self.phone.sees_change(question, "Denied by Ada")
        self.given("keep the notes")
        self.phone.sees("echo: keep the notes")
        self.rests()
        if not (self.project / "notes").exists():
            raise AssertionError("it was refused, and done")
        self.tell("the file is still there")

    def _stopped(self, answer: Message) -> None:
        self.phone.writes("%slow 60 I begin with the first of very many", reply_to=answer)
        self.given("%slow 60 I begin with the first of very many")
        self.phone.sees_mark(self.phone.writes("/stop", reply_to=answer))
        self.rests()
        self.tell(f"{self.words.title} has stopped")

    def _changed(self, answer: Message) -> None:
        self.phone.writes("/mode", reply_to=answer)
        offered = self.phone.sees("It can be put into")
        self.phone.presses(offered, self.words.mode)
        self.phone.sees_change(offered, "Ada")
        self.rests()
        self.phone.sees_mark(self.phone.writes("/mode default", reply_to=answer))

    def _killed(self, answer: Message) -> None:
        self.phone.writes("%slow 60 I count the files", reply_to=answer)
        self.given("%slow 60 I count the files")
        self._state("BUSY")  # before it has said anything, nobody could know whether it has the text
        self.agent.kill()
        self.tell(f"kill -9 of {self.words.title}, in the middle")
        cut = self.phone.sees("in the middle of a turn")
        self.system.all_delivered()
        self.phone.writes("%slow 0 where were we", reply_to=cut)
        self.given("%slow 0 where were we")
        self.phone.sees("where were we")
        self.rests()

    def _ended(self, answer: Message) -> None:
        self.phone.writes("/end", reply_to=answer)
        wait_until(lambda: not self.system.sessions(), LONG)
        wait_until(lambda: not self.agent.is_alive, LONG)
        self.tell(f"{self.words.title} has ended")


@contextmanager
def day(name: str, folder: Path) -> Iterator[Day]:
    """Everything running, and one of them installed."""
    (folder / "project").mkdir()
    with TelegramStandIn(seed=11) as telegram, Models() as models:
        telegram.add_chat(CHAT)
        telegram.world.people[CHAT] = Person(CHAT, "Ada")
        agent = TappedAgent(name, folder, models.url)
        environ = agent.environ | {"POINTSMAN_START_FOLDERS": str(folder / "project")}
        system = System(folder, telegram, **environ)
        try:
            system.start()
            wait_until(lambda: [one for one in system.cli("machines", "--json") if one["programs"]], LONG)
            yield Day(name, Phone(telegram, system.delivered, CHAT, CHAT, []), system, agent, folder / "project")
        finally:
            system.stop()


def chapter(name: str, folder: Path) -> str:
    """Play the day of one of them; the chapter that it makes."""
    with day(name, folder) as one:
        one.play()
        told = _OTHERWISE.sub(r"\g<1> 1", "\n".join(one.transcript))
        told = told.replace(str(folder.resolve()), "~").replace(str(folder), "~")
    text = f"## {AGENTS[name].title}\n\n```text\n{told}\n```"
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def page(names: list[str]) -> str:
    """The page, with these chapters played anew."""
    parts = []
    before = PAGE.read_text() if PAGE.exists() else ""
    for name, words in AGENTS.items():
        if name in names:
            with tempfile.TemporaryDirectory(prefix="pm-phone-") as made:
                parts.append(chapter(name, Path(made)))
        else:
            rest = before.partition(f"## {words.title}\n")[2].partition("\n## ")[0].strip("\n")
            parts.append(f"## {words.title}\n\n{rest}")
    return HEAD + "\n" + "\n".join(part.strip("\n") + "\n" for part in parts)


if __name__ == "__main__":
    wanted = sys.argv[1:] or [name for name in AGENTS if PROGRAMS[name].is_installed]
    PAGE.write_text(page(wanted))
    print(f"wrote {PAGE.name}")
