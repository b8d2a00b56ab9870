"""What turns recordings into text may be slow, silent, endless or rude; the person who spoke hears of it in words."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from tests.waiting import wait_until
from webhook_adapter.config import TranscriberConfig
from webhook_adapter.transports.transcription import (
    MOST_WORDS,
    Endpoint,
    Failed,
    Program,
    Stopped,
    transcriber,
    words,
)

PATIENT = 30.0


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "voice.ogg"
    path.write_bytes(b"OggS")
    return path


def program(script: str, seconds: float = PATIENT, stop: threading.Event | None = None, **environ: str) -> Program:
    """A shell that gets the recording as $1."""
    paths = {"PATH": "/usr/bin:/bin"}
    return Program(("sh", "-c", script, "sh"), paths | environ, seconds, stop or threading.Event())


@pytest.mark.parametrize(
    ("script", "heard"),
    [
        ('printf "run the tests\\n"', "run the tests"),
        ('cat "$1"; printf " of $(basename "$1")"', "OggS of voice.ogg"),
        ("printf 'gr\\374n \\033[31mred\\000 \\342\\200\\250end'", "gr�n  [31mred   end"),
        ('printf "a\\r\\nb\\tc"', "a\nb\tc"),
        ("head -c 60000 /dev/zero | tr '\\0' x", "x" * (MOST_WORDS - 1) + "…"),
        ("echo noise >&2; echo words", "words"),
    ],
    ids=["words", "its path", "no UTF-8, and what moves a terminal", "lines", "many", "stderr"],
)
def test_what_a_program_prints_are_the_words(recording: Path, script: str, heard: str) -> None:
    assert program(script).text_of(recording) == heard


@pytest.mark.parametrize(
    ("script", "seconds", "why"),
    [
        ("sleep 3600", 0.3, "longer than 0 s"),
        ("echo begun; exec >&-; sleep 3600", 0.3, "longer than 0 s"),
        ("true", PATIENT, "no words"),
        ("printf ' \\n\\t'", PATIENT, "no words"),
        ("yes", PATIENT, "too long"),
        ("echo half; exit 3", PATIENT, "exit code 3"),
        ("kill -9 $$", PATIENT, "exit code -9"),
    ],
    ids=["slow", "slow to end", "silent", "blank", "endless", "fails", "killed"],
)
def test_where_there_are_no_words_it_says_why(recording: Path, script: str, seconds: float, why: str) -> None:
    with pytest.raises(Failed, match=why):
        program(script, seconds).text_of(recording)


def test_a_program_that_is_not_there(recording: Path) -> None:
    with pytest.raises(Failed, match="No such file"):
        Program(("/nowhere/whisper",), {}, PATIENT, threading.Event()).text_of(recording)


def test_what_it_leaves_running_is_ended(recording: Path, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    assert program(f"sleep 3600 >/dev/null & echo $! > {pid_file}; echo words").text_of(recording) == "words"
    wait_until(lambda: not _runs(int(pid_file.read_text())))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_it_is_ended_when_the_process_is(recording: Path) -> None:
    stop = threading.Event()
    stop.set()

    with pytest.raises(Stopped):
        program("sleep 3600", stop=stop).text_of(recording)


def test_it_sees_no_setting_of_ours(recording: Path) -> None:
    config = TranscriberConfig(("sh", "-c", "env", "sh"), "", "", "whisper-1", 30)
    environ = {"PATH": "/usr/bin:/bin", "TELEGRAM_BOT_TOKEN": "1:x", "POINTSMAN_API_KEY": "k", "LANG": "C.UTF-8"}

    seen = transcriber(config, environ, threading.Event()).text_of(recording)

    assert "LANG=C.UTF-8" in seen
    assert "TELEGRAM" not in seen
    assert "POINTSMAN" not in seen


class Rude(BaseHTTPRequestHandler):
    """Answers as the test says, and remembers what it was asked."""

    status, body, drips = 200, b"", False
    ended = threading.Event()
    asked: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        given = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.headers.get("Authorization", ""), given))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)
        while self.drips and not self.ended.wait(0.02):
            self.wfile.write(b" ")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    Rude.asked.clear()
    Rude.drips = False
    Rude.ended.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Rude) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Endpoint(f"http://127.0.0.1:{server.server_port}/v1/audio/transcriptions", "sk-1", "whisper-1", PATIENT)
        Rude.ended.set()
        server.shutdown()
        thread.join()


def test_an_endpoint_gets_the_file_the_model_and_its_key(endpoint: Endpoint, recording: Path) -> None:
    Rude.status, Rude.body = 200, '{"text": " Führe die Tests aus.\\n"}'.encode()

    assert endpoint.text_of(recording) == "Führe die Tests aus."
    [(authorization, given)] = Rude.asked
    assert authorization == "Bearer sk-1"
    assert all(part in given for part in (b'filename="voice.ogg"', b"OggS", b"whisper-1"))


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (500, b"oops", "HTTP 500"),
        (302, b"", "HTTP 302"),
        (200, b"<html>", "its answer is not"),
        (200, b'{"text": 7}', "its answer is not"),
        (200, b'{"text": ""}', "no words"),
        (200, b"[" * 300_000, "too long"),
        (200, b"[" * 100_000, "its answer is not"),
    ],
)
def test_an_endpoint_without_words_says_why(
    endpoint: Endpoint, recording: Path, status: int, body: bytes, why: str
) -> None:
    Rude.status, Rude.body = status, body

    with pytest.raises(Failed, match=why) as failed:
        endpoint.text_of(recording)
    assert "sk-1" not in str(failed.value)


def test_an_endpoint_that_sends_a_byte_at_a_time_is_not_waited_for(endpoint: Endpoint, recording: Path) -> None:
    Rude.status, Rude.body, Rude.drips = 200, b"{", True

    with pytest.raises(Failed, match="longer than 0 s"):
        replace(endpoint, seconds=0.3).text_of(recording)


def test_an_endpoint_that_is_not_there(recording: Path) -> None:
    with pytest.raises(Failed, match="ConnectionError"):
        Endpoint("http://127.0.0.1:1/", "", "whisper-1", PATIENT).text_of(recording)


def test_half_a_surrogate_pair_is_no_word() -> None:
    assert words("a\ud800b") == "a?b"
