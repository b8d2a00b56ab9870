"""`pointsman up` and `pointsman demo` with the real programs."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest

from tests.folders import short_folder
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e
POINTSMAN = (sys.executable, "-I", "-m", "pointsman")
PROGRAMS = ("router", "agent", "courier", "adapter-http")
READY = 90.0  # seconds; five programs begin at once, and eight others may have the cores


class Up:
    """A running `pointsman up`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self._settings = settings
        flags = ("--data-dir", str(folder), "--router-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0")
        self.process = subprocess.Popen(
            (*POINTSMAN, "up", "--verbose", *flags, "--machine-id", "box"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **settings},
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.ready = wait_until(lambda: self.line(r"ready up (\S+) (\S+)"), READY)
        self.router, self.http = self.ready[1], self.ready[2]
        wait_until(lambda: self.line(r"^  data +(\S+)"))

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(iter(output.readline, ""))

    def line(self, pattern: str) -> re.Match[str] | None:
        """The last line that fits."""
        return next((found for line in reversed(self.lines) if (found := re.search(pattern, line))), None)

    def count(self, pattern: str) -> int:
        return sum(bool(re.search(pattern, line)) for line in self.lines)

    def child(self, name: str) -> psutil.Process:
        return named(self.process.pid, name)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {
            **os.environ,
            **self._settings,
            "POINTSMAN_DATA_DIR": str(self.folder),
            "POINTSMAN_ROUTER": self.router,
            "POINTSMAN_HTTP_LISTEN": self.http.removeprefix("http://"),
        }
        return subprocess.run((*POINTSMAN, *arguments), env=environ, capture_output=True, text=True, timeout=READY)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(READY)
        self._reader.join(10)
        return code


def named(pid: int, name: str) -> psutil.Process:
    """The child of that name."""
    for child in psutil.Process(pid).children():
        with suppress(psutil.Error):  # one that was killed may be gone, or not waited for
            if child.cmdline()[-1] == name:
                return child
    raise AssertionError(f"no {name} runs")


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Up]:
    up = Up(folder, **settings)
    try:
        yield up
    finally:
        up.end(signal.SIGTERM if up.process.poll() is None else signal.SIGCONT)


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with short_folder() as folder:
        providers = folder / "providers.toml"
        providers.write_text("most_up = 1\n")
        providers.chmod(0o600)
        with running(folder) as one:
            yield one


def test_up_starts_everything_and_tells_where_it_is(up: Up) -> None:
    assert sorted(child.cmdline()[-1] for child in up.children()) == sorted((*PROGRAMS, "run"))
    assert up.line(r"^providers .*ready providers")
    assert [bool(up.line(rf"^  {row} +\S")) for row in ("console", "router", "machine", "telegram", "data")] == [
        True
    ] * 5
    machines = json.loads(up.run("machines", "--json").stdout)
    assert [machine["machineId"] for machine in machines] == ["box"]


def test_doctor_finds_nothing_wrong(up: Up) -> None:
    done = up.run("doctor")

    assert done.returncode == 0, done.stdout


def test_it_tells_where_the_console_is(up: Up) -> None:
    address = up.line(r"console +(http\S+)")
    assert address is not None

    with urlopen(address[1], timeout=10) as answer:
        assert answer.status == 200


def test_console_gives_a_fresh_link_each_time_and_each_opens_once(up: Up) -> None:
    links = [up.run("console").stdout.strip(), json.loads(up.run("console", "--json").stdout)["url"]]

    assert len(set(links)) == 2
    for link in links:
        with urlopen(link, timeout=10) as answer:
            assert "Set-Cookie" in answer.headers
        with pytest.raises(HTTPError, match="403") as refused:
            urlopen(link, timeout=10)
        refused.value.close()
    tokens = [link.partition("token=")[2] for link in links]
    assert not [token for token in tokens if token in "".join(up.lines)]


def test_console_s_link_has_the_address_that_a_phone_reaches(up: Up) -> None:
    done = up.run("console", "--console-url", "https://router.example.org")

    assert done.stdout.startswith("https://router.example.org/console/login?token=")
    assert "this machine alone" not in done.stderr
    assert "POINTSMAN_CONSOLE_URL" in up.run("console").stderr


def test_console_with_another_key_gives_no_link_that_cannot_work(up: Up) -> None:
    other = up.folder / "other"
    other.mkdir()
    without = up.run("console", "--data-dir", str(other))
    (other / "api_key").write_text("pmk_other")
    wrong = up.run("console", "--data-dir", str(other))

    assert (without.returncode, without.stdout) == (wrong.returncode, wrong.stdout) == (4, "")
    assert f"there is no API key in {other}" in without.stderr
    assert "does not take this API key" in wrong.stderr
    assert str(other / "api_key") in wrong.stderr


def test_secrets_are_kept_for_their_owner_alone_and_logged_nowhere(up: Up) -> None:
    names = ["api_key", "telegram_webhook_secret", "telegram_webhook_path_secret"]
    texts = [(up.folder / name).read_text().strip() for name in names]

    assert {(up.folder / name).stat().st_mode & 0o777 for name in names} == {0o600}
    assert not [text for text in texts if text in "".join(up.lines)]


def test_a_second_up_on_the_same_folder_is_refused(up: Up) -> None:
    done = up.run("up", "--router-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0")

    assert done.returncode == 1
    assert f"(process {up.process.pid})" in done.stderr


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_dies_is_started_again_where_it_was(up: Up, name: str) -> None:
    before, starts = up.child(name).pid, up.count(rf"^{name} .*ready ")
    ready = up.line(rf"^{name} .*(ready .*)")

    os.kill(before, signal.SIGKILL)
    wait_until(lambda: up.count(rf"^{name} .*ready ") > starts, 30)

    again = up.line(rf"^{name} .*(ready .*)")
    assert ready is not None
    assert again is not None
    assert again[1] == ready[1]
    assert up.child(name).pid != before


def test_a_reply_travels_to_a_session_and_back(up: Up, tmp_path: Path) -> None:
    log = tmp_path / "log"
    up.run("session", "register", "--command", f"cat >> {log}", "--label", "log")
    wait_until(lambda: "log" in up.run("sessions").stdout)

    sent = up.run("send", "log", "Hello!", "--wait")
    traced = up.run("trace", sent.stdout.split()[0])

    def over_rest(path: str) -> object:
        key = (up.folder / "api_key").read_text().strip()
        with urlopen(Request(up.http + path, headers={"X-API-Key": key}), timeout=10) as answer:
            return json.load(answer)

    command_id = sent.stdout.split()[0]
    assert over_rest(f"/commands/{command_id[-8:]}") == over_rest(f"/commands/{command_id}")
    assert over_rest("/commands?sessionId=log")
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert log.read_text().strip() == "Hello!"
    assert "RECEIVED → DONE" in traced.stdout


def test_up_stops_cleanly_and_is_the_same_machine_with_the_same_key_again(data_dir: Path) -> None:
    with running(data_dir) as first:
        key = (data_dir / "api_key").read_text()
        stops_cleanly(first, signal.SIGTERM)

    with running(data_dir) as second:
        machines = json.loads(second.run("machines", "--json").stdout)
        stops_cleanly(second, signal.SIGINT)

    assert [machine["machineId"] for machine in machines] == ["box"]
    assert (data_dir / "api_key").read_text() == key


def stops_cleanly(up: Up, number: signal.Signals) -> None:
    children = up.children()

    assert up.end(number) == 0
    assert not psutil.wait_procs(children, timeout=0)[1]
    assert not up.count("killed|Traceback")


def test_its_programs_end_with_a_supervisor_that_is_killed(data_dir: Path) -> None:
    with running(data_dir) as up:
        everything = psutil.Process(up.process.pid).children(recursive=True)
        up.end(signal.SIGKILL)

    left = psutil.wait_procs(everything, timeout=READY)[1]
    assert not left


def test_a_bad_setting_stops_up_with_the_place_where_it_stands(data_dir: Path) -> None:
    done = subprocess.run(
        (*POINTSMAN, "up", "--data-dir", str(data_dir), "--http-listen", "nonsense"), capture_output=True, text=True
    )

    assert done.returncode == 2
    assert "the flag --http-listen is not HOST:PORT" in done.stderr


@pytest.mark.parametrize("verbose", [(), ("--verbose",)], ids=["quiet", "verbose"])
@pytest.mark.parametrize(
    ("taken", "free", "setting"),
    [
        ("--router-listen", "--http-listen", "POINTSMAN_ROUTER_LISTEN"),
        ("--http-listen", "--router-listen", "POINTSMAN_HTTP_LISTEN"),
    ],
    ids=["router", "adapter"],
)
def test_a_port_that_is_taken_stops_up_with_the_setting_to_change(
    data_dir: Path, taken: str, free: str, setting: str, verbose: tuple[str, ...]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        flags = ("--data-dir", str(data_dir), taken, address, free, "127.0.0.1:0")
        done = subprocess.run((*POINTSMAN, "up", *flags, *verbose), capture_output=True, text=True, timeout=60)

    assert done.returncode in (1, 2)
    assert f"cannot listen on {address}" in done.stderr
    assert f"{setting} chooses another port" in done.stderr
    assert "before it was ready" in done.stderr


def quiet(folder: Path, *flags: str) -> subprocess.Popen[str]:
    """`pointsman up` as a person starts it."""
    everywhere = ("--data-dir", str(folder), "--router-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0")
    argv = (*POINTSMAN, "up", *everywhere, "--machine-id", "box", *flags)
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_person_sees_what_they_need_and_nothing_else(data_dir: Path) -> None:
    with quiet(data_dir) as process:
        assert process.stdout is not None
        rows = [process.stdout.readline() for _ in range(6)]
        process.terminate()
        rest = process.stdout.read()

    assert [row.split()[0] for row in rows] == ["console", "router", "machine", "telegram", "data", "logs"]
    assert process.returncode == 0
    assert rest == ""
    log = (data_dir / "up.log").read_text()
    assert {name for name in PROGRAMS if f"{name} " in log} == set(PROGRAMS)
    assert (data_dir / "up.log").stat().st_mode & 0o777 == 0o600
    assert "token=" not in log


def test_a_person_is_told_of_a_program_that_died(data_dir: Path) -> None:
    with quiet(data_dir) as process:
        assert process.stdout is not None
        rows = [process.stdout.readline() for _ in range(6)]
        courier = named(process.pid, "courier")
        courier.kill()
        told = process.stdout.readline()
        process.terminate()
        process.stdout.read()

    assert len(rows) == 6
    assert told.startswith("courier ended with code -9; starting it again")


def test_the_demo_plays_itself(tmp_path: Path) -> None:
    environ = {**os.environ, "DEMO_AUTO": "1", "TMPDIR": str(tmp_path), "POINTSMAN_ROUTER": "192.0.2.1:1"}

    done = subprocess.run((*POINTSMAN, "demo"), env=environ, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stdout + done.stderr
    receipts = [line.split("  ")[2].strip() for line in done.stdout.splitlines() if line.startswith("  ")]
    assert receipts == ["accepted", "on the machine", "typed in", "finished"]
    assert "You said: Yes, go on." in done.stdout
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("pointsman-demo")]
