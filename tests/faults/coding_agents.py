"""The real coding agents that speak ACP, in the whole product: talked to from the chat, asked, stopped, and killed.

Three accounts are kept: what people were told, what each program was given (a tap stands before it), and what the
router says of each text at the end.
"""

import random
import re
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pointsman.client import connect
from pointsman.client.control import Control
from pointsman.client.records import Command, SessionState
from tests.e2e.system import CHAT, System, message, running
from tests.fakes.acp_programs import PROGRAMS
from tests.fakes.model_dialects import Models
from tests.fakes.telegram_state import Message
from tests.faults.checker import Accepted, Typed, Verdict, check
from tests.faults.table import Row
from tests.rigs.tapped_agent import TappedAgent
from tests.waiting import NeverHappened, wait_until

LONG = 180.0  # seconds; the largest take half a minute to start on busy cores, and one waits for the next minute
CUT = ("in the middle of a turn", "was stopped in the middle of this")  # what people are told of a turn that was cut
DOUBT = "❓ Perhaps typed into"
YES = ("Allow once", "Allow", "Yes, proceed")  # each has its own words
NO = ("Reject", "No", "Deny")


class Desk:
    """One session with one of them, begun from the chat."""

    def __init__(self, system: System, agent: TappedAgent, router: Control, rng: random.Random, folder: Path) -> None:
        self.system, self.agent, self.rng = system, agent, rng
        self.attempted: dict[str, str] = {}
        self.project = folder / "project"
        self.failures: list[str] = []
        self._router = router
        self._updates = iter(range(1, 1_000_000))
        self.session_id = ""
        self._reply_to = 0

    def begin(self, name: str) -> None:
        """Start it from the chat, once it is known that its machine has it."""
        wait_until(lambda: name in [each.name for one in self._router.machines() for each in one.programs], LONG)
        text = self.text("%slow 0")
        self.writes(f"/new devbox {name} {text}")
        self._reply_to = self.sees(_word(text)).message_id
        [self.session_id] = [one.session_id for one in self._router.sessions()]
        self.attempted[text] = self.session_id
        self.settled()

    def text(self, directive: str) -> str:
        """One that is different from all others."""
        return f"{directive} n{next(self._updates)}. and some more words"

    def send(self, directive: str) -> None:
        """A text for the session, from a script."""
        text = self.text(directive)
        self.attempted[text] = self.session_id
        self._router.send_text(self.session_id, text)

    def writes(self, text: str) -> None:
        """A person writes to the session."""
        update = message(next(self._updates), text, reply_to=self._reply_to)
        wait_until(lambda: self.system.webhook(update).status_code == 200, LONG)

    def says(self, directive: str) -> str:
        """A text for the session, in the chat."""
        text = self.text(directive)
        self.attempted[text] = self.session_id
        self.writes(text)
        return text

    def sees(self, words: str) -> Message:
        """The newest message with these words, once there is one, and the router knows of it."""
        found = wait_until(lambda: [one for one in self.system.telegram.bot_messages(CHAT) if words in one.text], LONG)
        self.system.delivered(found[-1].message_id)
        return found[-1]

    def answers(self, words: str, labels: tuple[str, ...]) -> None:
        """A person presses the first of these buttons that a question has."""
        asked, label = wait_until(lambda: self._offered(words, labels), LONG)
        self.system.telegram.press(asked, label, user_id=CHAT)

    def _offered(self, words: str, labels: tuple[str, ...]) -> tuple[Message, str] | None:
        for one in self.system.telegram.bot_messages(CHAT):
            if words in one.text and (
                found := [each for label in labels for each in one.buttons if _says(each, label)]
            ):
                return one, found[0]
        return None

    def given(self, text: str) -> None:
        """The program has it."""
        wait_until(lambda: text in [one.text for one in self.agent.prompted], LONG)

    def reaches(self, text: str) -> None:
        """Some moment in which it is given the text, or has it."""
        if self.rng.random() < 0.3 and not self.agent.is_alive:
            before = len(self.agent.lives)
            wait_until(lambda: len(self.agent.lives) > before, LONG)
        else:
            self.given(text)
        self.moment(2.0)

    def moment(self, most: float) -> None:
        """Some time passes."""
        threading.Event().wait(self.rng.uniform(0.0, most))

    def settled(self) -> None:
        """Everything that was written has ended, and the session rests."""
        wait_until(self._is_settled, LONG)

    def _is_settled(self) -> bool:
        commands = self._commands()
        [session] = [one for one in self._router.sessions() if one.session_id == self.session_id]
        known = {one.text for one in commands}
        return (
            all(text in known for text in self.attempted)
            and all(one.state.ended for one in commands)
            and session.state is SessionState.IDLE
        )

    def _commands(self) -> list[Command]:
        return self._router.commands(self.session_id, limit=1000)

    def ends(self) -> None:
        """End the session from the chat."""
        self.writes("/end")
        wait_until(lambda: not self._router.sessions(), LONG)

    def verdict(self) -> Verdict:
        """What the checker makes of it."""
        commands = [one for one in self._commands() if one.text in self.attempted]
        accepted = [Accepted(one.session_id, one.text, one.sequence) for one in commands]
        typed = [Typed(self.session_id, one.text) for one in self.agent.prompted]
        states = {one.text: one.state.name.lower() for one in commands}
        return check(self.attempted, accepted, typed, states)

    def judged(self, verdict: Verdict) -> list[str]:
        """What else must not be, once people have been told everything."""
        self.system.all_delivered()
        prompted = self.agent.prompted
        shown = [one.text for one in self.system.telegram.bot_messages(CHAT)]
        cut = sum(not one.end for one in prompted)
        told, doubts = cuts_in(shown), sum(text.count(DOUBT) for text in shown)
        problems = [f"given in a turn: {one.text}" for one in prompted if one.in_a_turn]
        problems += [f"not taken up again: {one.detail}" for one in self._commands() if _is_lost(one)]
        if told + len(verdict.uncertain) < cut:
            problems.append(f"{cut} turns were cut, and {told} of them told, {len(verdict.uncertain)} uncertain")
        if doubts < len(verdict.uncertain):
            problems.append(f"{len(verdict.uncertain)} texts are uncertain, and people were told of {doubts}")
        return [*self.failures, *problems]


def cuts_in(texts: Sequence[str]) -> int:
    """Of how many cut turns these tell; one digest may tell of several."""
    return sum(text.count(words) for words in CUT for text in texts)


def _is_lost(one: Command) -> bool:
    """Whether its program has lost the conversation; not where it was killed on the way back."""
    return "take its conversation up again" in one.detail and "SIGKILL" not in one.detail


def _says(button: str, label: str) -> bool:
    """Whether it is that button, perhaps with a mark before it, and more behind a comma."""
    return re.fullmatch(rf"(\W+ )?{label}(,.*)?", button) is not None


def _word(text: str) -> str:
    return next(word for word in text.split() if word.startswith("n") and word.endswith("."))


def _plain(desk: Desk) -> None:
    desk.says("%slow 0")


def _beside(desk: Desk) -> None:
    """A text that comes in a turn."""
    desk.says("%slow 1")
    desk.moment(1.5)
    desk.says("%slow 0")


def _allowed(desk: Desk) -> None:
    _asked(desk, YES, made=True)


def _denied(desk: Desk) -> None:
    _asked(desk, NO, made=False)


def _asked(desk: Desk, labels: tuple[str, ...], *, made: bool) -> None:
    name = f"made-{len(desk.attempted)}"
    text = f"%bash touch {name}"
    desk.attempted[text] = desk.session_id
    desk.writes(text)
    desk.answers(name, labels)
    desk.settled()
    if (desk.project / name).exists() is not made:
        desk.failures.append(f"{labels[0]} was pressed, and {name} is {'not ' if made else ''}there")


def _stopped(desk: Desk) -> None:
    text = desk.says("%slow 60")
    desk.given(text)
    desk.moment(1.0)
    desk.writes("/stop")


def _killed(desk: Desk) -> None:
    """The program, in the middle of a turn or on the way to it."""
    text = desk.says("%slow 60")
    desk.reaches(text)
    desk.agent.kill()


def _agent_killed(desk: Desk) -> None:
    """Pointsman's agent, with the program below it."""
    text = desk.says("%slow 60")
    desk.reaches(text)
    desk.system.kill("agent")
    desk.system.wait_for_machine("devbox", connected=True)


ACTS: dict[str, Callable[[Desk], None]] = {
    "plain": _plain, "in a turn": _beside, "allowed": _allowed, "denied": _denied, "stopped": _stopped,
    "program killed": _killed, "agent killed": _agent_killed,
}  # fmt: skip


@contextmanager
def desk(name: str, rng: random.Random) -> Iterator[Desk]:
    """Everything running, with one session that has begun."""
    with tempfile.TemporaryDirectory(prefix="pm-agent-") as made, Models() as models:
        folder = Path(made)
        (folder / "project").mkdir()
        agent = TappedAgent(name, folder, models.url)
        environ = agent.environ | {"POINTSMAN_START_FOLDERS": str(folder / "project")}
        with running(folder, **environ) as system, connect(system.router, system.api_key) as router:
            one = Desk(system, agent, router, rng, folder)
            try:
                one.begin(name)
                yield one
            except NeverHappened:
                sys.stderr.write(system.account())  # it may never come again
                raise


def installed(names: Iterable[str]) -> list[str]:
    """Those of them that are here."""
    return [name for name in names if PROGRAMS[name].is_installed]


def life(name: str, rng: random.Random, rounds: int) -> Row:
    """A session of one of them: started from the chat, asked, stopped, killed, taken up again, and ended."""
    acts = [list(ACTS)[at % len(ACTS)] for at in range(rounds)]
    rng.shuffle(acts)
    with desk(name, rng) as one:
        for act in acts:
            ACTS[act](one)
            one.settled()
        verdict = one.verdict()
        failures = one.judged(verdict)
        one.ends()
        remarks = [f"{len(one.agent.lives)} lives, {len(one.agent.prompted)} texts given, {verdict.typed} different"]
    return Row(f"{name}: {', '.join(ACTS)}", rounds, verdict, remarks=remarks, failures=failures)


def moments(name: str, rng: random.Random, count: int) -> Row:
    """So many turns, with a text that comes at a random moment of each; it stops none."""
    with desk(name, rng) as one:
        for _ in range(count):
            one.send("%slow 0.3")
            one.moment(0.8)
            one.send("%slow 0")
            one.settled()
        verdict = one.verdict()
        ends = Counter(each.end or "none" for each in one.agent.prompted)
        failures = one.judged(verdict)
        if ends.keys() != {"end_turn"}:
            failures.append(f"turns ended otherwise: {dict(ends)}")
        one.ends()
    remarks = [f"{count} texts in a turn; turns ended {dict(ends)}"]
    return Row(f"{name}: a text at a random moment of a turn", count, verdict, remarks=remarks, failures=failures)
