"""A turn of the real Claude Code while its machine has no line for an hour: all of it, between two minutes of a person.

The line between the agent and the router is really cut; of the time of both, an hour passes in steps of a minute, and
in each the agent looks for the router in vain.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.claude_desk import LONG
from tests.e2e.real_turns import Turns, turns
from tests.integration.agent.backends.stages import NvimFixture, TmuxServerFixture
from tests.integration.agent.backends.terminal import Terminal
from tests.ports import free_port
from tests.rigs.chaos_proxy import ChaosProxy
from tests.rigs.moved_time import MovedTime
from tests.waiting import wait_until

HALF_AN_HOUR = 1800.0  # seconds
_TRY = re.compile(r"link ended end=\w+ retry_in=([\d.]+)")


@dataclass
class HourAway:
    """The session, the line of its machine, and the time of both ends."""

    turns: Turns
    wire: ChaosProxy
    time: MovedTime

    def turn(self) -> None:
        """A prompt from afar; before anything is done about it, the line is gone."""
        gate = self.turns.home.project / "gate"
        os.mkfifo(gate)
        self.turns.says(f"%all {json.dumps(list(_steps(self.turns.home.project)))}", lambda: self._away(gate))

    def _away(self, gate: Path) -> None:
        port, self.wire.upstream = self.wire.upstream, 0
        [agent] = self.turns.system.programs("agent")
        its = {one.laddr.port for one in agent.net_connections("tcp")}
        # Others keep theirs: a page is there all the time.
        self.wire.each(lambda wire: wire.reset() if wire.client.get_extra_info("peername")[1] in its else None)
        self.turns.system.wait_for_machine("devbox", connected=False)
        wait_until(self._tries, LONG)
        wait_until(lambda: _opened(gate), LONG)
        wait_until(self._asks, LONG)
        self._pass(HALF_AN_HOUR)
        self.turns.joined()  # somebody who looks what became of it
        if press := _enter(self.turns.place):
            wait_until(lambda: (press(), not self._asks())[1], LONG)
            wait_until(lambda: self._is_done() and self.turns.home.rests(), LONG)
        self._pass(HALF_AN_HOUR)
        self.wire.upstream = port
        while not self._is_connected():
            self._step()
        if not press:
            wait_until(self.turns.answered, LONG)

    def _asks(self) -> bool:
        return self.turns.home.status() == "waiting"

    def _is_done(self) -> bool:
        """As the program's record has it."""
        keys = [key.split() for file in self.turns.record() for key in file]
        tools = {(words[1], words[2] == "RUNNING") for words in keys if words[0] == "tool"}
        is_said = ["said", "echo:", "all", "of", "it"] in keys
        return is_said and all((name, not is_begun) in tools for name, is_begun in tools)

    def _pass(self, seconds: float) -> None:
        """Each step brings the agent to its next try."""
        while seconds > 0:
            seconds -= self._step()

    def _step(self) -> float:
        before = self._tries()
        programs = [one for name in ("router", "agent") for one in self.turns.system.programs(name)]
        self.time.passes(step := float(before[-1]) + 1, programs)
        wait_until(lambda: len(self._tries()) > len(before) or self._is_connected(), LONG)
        return step

    def _tries(self) -> list[str]:
        """In how many seconds the agent wanted to try again, each time that it had no link."""
        return _TRY.findall(self.turns.system.log())

    def _is_connected(self) -> bool:
        return bool(self.turns.system.is_connected("devbox"))


def _steps(project: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """Three tools, a task in a plan, a question, an error and a subagent. The first one waits at the gate."""
    file = str(project / "made")
    yield "Bash", {"command": "cat gate"}
    yield "Write", {"file_path": file, "content": "made"}
    yield "Read", {"file_path": file}
    yield "TaskCreate", {"subject": "Task", "description": "To be done."}
    options = [{"label": label, "description": f"It is {label}"} for label in ("Red", "Blue")]
    asked = {"question": "Which?", "header": "Choose", "options": options, "multiSelect": False}
    yield "AskUserQuestion", {"questions": [asked]}
    yield "Bash", {"command": "expr 9000 + 1; false"}
    yield "Agent", {"description": "Look", "prompt": "%bash expr 8000 + 1", "subagent_type": "general-purpose"}


def _enter(place: object) -> Callable[[], object] | None:
    """Presses Enter in a terminal; None where there is none."""
    match place:
        case TmuxServerFixture():
            return lambda: place.run("send-keys", "Enter")
        case Terminal():
            return lambda: place.type(b"\r")
        case NvimFixture():
            return lambda: place.send("\r")
    return None


def _opened(gate: Path) -> bool:
    """Let whoever reads it go on, once somebody does."""
    with suppress(OSError):
        os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
        return True
    return False


@contextmanager
def hour_away(folder: Path, kind: str) -> Iterator[HourAway]:
    """A session of that kind, and a page that follows it."""
    port, time = free_port(), MovedTime(folder)
    with ChaosProxy(port) as wire:
        addresses = {"POINTSMAN_ROUTER_LISTEN": f"127.0.0.1:{port}", "POINTSMAN_ROUTER": wire.address}
        with turns(folder, kind, time.launcher, **addresses) as one:
            yield HourAway(one, wire, time)
