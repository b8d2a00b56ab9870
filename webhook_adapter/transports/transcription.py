"""Turns a recording into text: with a program of the adapter's owner, or at an HTTP endpoint as OpenAI's.

Either may be slow, silent, endless or rude; whatever it does, it costs its time limit at most, and its words are few.
"""

import logging
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from webhook_adapter.config import OUR_OWN, TranscriberConfig
from webhook_adapter.transports.model_endpoint import MOST_BYTES, ModelEndpoint, NoAnswer, TooLong, TooSlow

logger = logging.getLogger(__name__)

MOST_WORDS = 16 * 1024  # characters of a text
SLOW = "it took longer than {seconds} s"
ENDLESS = "its answer was too long"
NO_WORDS = "there were no words in it"
BROKEN = "what turns recordings into text failed ({why})"
_LOOK_S = 0.25  # between looks whether we are to stop
_UNSPEAKABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


class Failed(Exception):
    """There are no words; the text says why, for the person who spoke."""


class Stopped(Exception):
    """The process ends: somebody else does it."""


class Transcriber(Protocol):
    """What turns recordings into text."""

    def text_of(self, path: Path) -> str:
        """The words in a file. Raises Failed or Stopped."""


def transcriber(config: TranscriberConfig, environ: Mapping[str, str], stop: threading.Event) -> Transcriber:
    """The one that the settings name."""
    if config.url:
        return Endpoint(config.url, config.key, config.model, config.seconds)
    theirs = {name: value for name, value in environ.items() if not name.startswith(OUR_OWN)}
    return Program(config.command, theirs, config.seconds, stop)


@dataclass(frozen=True, slots=True)
class Program:
    """Gets the file's path as its last argument, prints the words, and exits with 0."""

    command: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    seconds: float
    stop: threading.Event

    def text_of(self, path: Path) -> str:
        """Run it. What it leaves running is ended with it."""
        try:
            process = subprocess.Popen(
                [*self.command, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                cwd=path.parent, env=dict(self.environ), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise Failed(BROKEN.format(why=error.strerror)) from None
        deadline = time.monotonic() + self.seconds
        try:
            assert process.stdout is not None  # noqa: S101 -- it was asked for
            said = b"".join(self._output(process.stdout, deadline))
            code = process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Failed(SLOW.format(seconds=round(self.seconds))) from None
        finally:
            # Its whole group, also where it has ended itself.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if code:
            raise Failed(BROKEN.format(why=f"exit code {code}"))
        return words(said)

    def _output(self, pipe: IO[bytes], deadline: float) -> Iterator[bytes]:
        size = 0
        with selectors.DefaultSelector() as ready:
            ready.register(pipe, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                if self.stop.is_set():
                    raise Stopped
                if not ready.select(min(left, _LOOK_S)):
                    continue
                if not (data := os.read(pipe.fileno(), 65536)):
                    return
                if (size := size + len(data)) > MOST_BYTES:
                    raise Failed(ENDLESS)
                yield data
        raise Failed(SLOW.format(seconds=round(self.seconds)))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """POST of the file as `multipart/form-data`, as OpenAI's /v1/audio/transcriptions; the answer is `{"text": …}`."""

    url: str
    key: str = field(repr=False)
    model: str
    seconds: float

    def text_of(self, path: Path) -> str:
        """Ask it once; whoever spoke can say it again."""
        asked = {"model": self.model, "response_format": "json"}
        try:
            with path.open("rb") as file:
                endpoint = ModelEndpoint(self.url, self.key)
                return words(_text_of_json(endpoint.post(self.seconds, files={"file": (path.name, file)}, data=asked)))
        except TooSlow:
            raise Failed(SLOW.format(seconds=round(self.seconds))) from None
        except TooLong:
            raise Failed(ENDLESS) from None
        except NoAnswer as why:
            raise Failed(BROKEN.format(why=why)) from None
        except OSError as error:
            raise Failed(BROKEN.format(why=type(error).__name__)) from None


def words(said: bytes | str) -> str:
    """What can be shown and typed of an answer. Raises Failed where that is nothing."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said.encode(errors="replace").decode()
    text = _UNSPEAKABLE.sub(" ", text.replace("\r\n", "\n")).strip()
    if not text:
        raise Failed(NO_WORDS)
    return text if len(text) <= MOST_WORDS else f"{text[: MOST_WORDS - 1]}…"


def _text_of_json(said: bytes) -> str:
    import json

    try:
        answer = json.loads(said)
    except (ValueError, RecursionError):
        answer = None
    text = answer.get("text") if isinstance(answer, dict) else None
    if not isinstance(text, str):
        raise Failed(BROKEN.format(why='its answer is not {"text": …}'))
    return text
