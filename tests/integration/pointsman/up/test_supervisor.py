"""Programs under supervision, with small programs in place of ours."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pointsman.up.supervisor import Child, Spec, StartFailed, Supervisor, change_environment, run
from tests.waiting import wait_until

READY = "import os, signal, sys; print('ready', sys.argv[1], os.getpid(), flush=True)"
POLITE = f"{READY}; signal.sigwait([signal.SIGTERM]); print('leaving', flush=True)"
# Blocks before it says that it is ready, as the programs themselves do.
PREPARED = f"import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); {POLITE}"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY}; signal.pause()"

Line = tuple[str, str]


class Log:
    """What the supervisor said, to be waited for."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._new = asyncio.Event()

    def say(self, name: str, text: str) -> None:
        self.lines.append((name, text))
        self._new.set()

    async def until(self, wanted: Callable[[list[Line]], bool]) -> None:
        async with asyncio.timeout(15):
            while not wanted(self.lines):
                self._new.clear()
                await self._new.wait()


def spec(name: str, program: str = PREPARED, **environ: str) -> Spec:
    return Spec(name, (sys.executable, "-I", "-c", program, name), {**os.environ, **environ})


def count(text: str) -> Callable[[list[Line]], int]:
    return lambda lines: sum(text in line for _, line in lines)


def test_a_program_that_dies_is_started_again() -> None:
    async def scenario() -> list[str]:
        log = Log()
        supervisor = Supervisor(log.say)
        child = await supervisor.start(spec("one"))
        os.kill(int(child.ready.result()), signal.SIGKILL)
        await log.until(lambda lines: count("ready")(lines) == 2)
        await supervisor.stop()
        return [text for _, text in log.lines]

    first, died, second, left = asyncio.run(scenario())

    assert first != second
    assert died == "ended with code -9; starting it again in 0.5 s"
    assert left == "leaving"


def test_a_restart_sees_a_changed_environment() -> None:
    show = f"import os; print('has', os.environ['PORT'], flush=True); {READY}; signal.sigwait([signal.SIGTERM])"

    async def scenario() -> list[Line]:
        log = Log()
        supervisor = Supervisor(log.say)
        child = await supervisor.start(spec("one", show, PORT="0"))
        change_environment(child, PORT="7443")
        os.kill(int(child.ready.result()), signal.SIGKILL)
        await log.until(lambda lines: count("ready")(lines) == 2)
        await supervisor.stop()
        return log.lines

    assert [text for _, text in asyncio.run(scenario()) if text.startswith("has")] == ["has 0", "has 7443"]


def test_all_are_stopped_the_last_one_first() -> None:
    async def scenario() -> list[Line]:
        log = Log()
        supervisor = Supervisor(log.say)
        await supervisor.start(spec("router"))
        await asyncio.gather(supervisor.start(spec("agent")), supervisor.start(spec("adapter")))
        await supervisor.stop()
        return log.lines

    left = [name for name, text in asyncio.run(scenario()) if text == "leaving"]

    assert left == ["adapter", "agent", "router"]


def test_a_program_that_does_not_stop_is_killed_with_all_that_it_started() -> None:
    parent = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']);"
        f"print('child', child.pid, flush=True); {STUBBORN}"
    )

    async def scenario() -> list[Line]:
        log = Log()
        child = await Child.launch(spec("one", parent), log.say, log.say)
        await child.wait_until_ready()
        await child.stop(0.2)
        return log.lines

    (_, told), *_, last = asyncio.run(scenario())

    assert last == ("one", "did not stop within 0.2 s; killed")
    assert wait_until(lambda: _is_gone(int(told.removeprefix("child "))))


def _is_gone(pid: int) -> bool:
    """Ended; perhaps nobody has asked for its exit code yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize(("code", "exit_code"), [(2, 2), (4, 4), (7, 1)])
def test_a_program_that_never_gets_ready_is_not_started_again(code: int, exit_code: int) -> None:
    async def scenario() -> list[Line]:
        log = Log()
        supervisor = Supervisor(log.say)
        failing = f"import sys; print('bad setting', file=sys.stderr); sys.exit({code})"
        with pytest.raises(StartFailed) as raised:
            await supervisor.start(spec("one", failing))
        await supervisor.stop()
        assert raised.value.exit_code == exit_code
        return log.lines

    assert asyncio.run(scenario()) == [("one", "bad setting")]


def test_work_that_fails_stops_what_runs() -> None:
    async def scenario(log: Log) -> None:
        supervisor = Supervisor(log.say)

        async def work() -> None:
            await supervisor.start(spec("one"))
            await supervisor.start(spec("two", "import sys; sys.exit(1)"))

        await run(supervisor, work())

    log = Log()
    with pytest.raises(StartFailed):
        asyncio.run(scenario(log))

    assert log.lines[-1] == ("one", "leaving")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_even_while_a_program_is_not_ready(number: signal.Signals) -> None:
    slow = "import signal; print('still starting', flush=True); signal.sigwait([signal.SIGTERM])"

    async def scenario(log: Log) -> None:
        supervisor = Supervisor(log.say)

        async def work() -> None:
            await supervisor.start(spec("one"))
            await supervisor.start(spec("two", f"signal = __import__('signal'); {slow}"))

        async def interrupt() -> None:
            await log.until(lambda lines: count("still starting")(lines) == 1)
            os.kill(os.getpid(), number)

        await asyncio.gather(run(supervisor, work()), interrupt())

    log = Log()
    asyncio.run(scenario(log))

    assert log.lines[-1] == ("one", "leaving")


def test_a_line_longer_than_any_limit_does_not_stop_the_reading() -> None:
    async def scenario() -> list[Line]:
        log = Log()
        supervisor = Supervisor(log.say)
        await supervisor.start(spec("one", f"print('x' * 3_000_000, flush=True); {PREPARED}"))
        await supervisor.stop()
        return log.lines

    assert [text for _, text in asyncio.run(scenario())][-1] == "leaving"
