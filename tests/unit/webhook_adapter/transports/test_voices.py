"""Recordings on their way to whoever turns them into text: each is answered, with words or with why there are none."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pointsman.client.errors import RouterError
from webhook_adapter.backoff import Backoff
from webhook_adapter.model import Voice
from webhook_adapter.transports import voices as module
from webhook_adapter.transports.transcription import Failed, Stopped
from webhook_adapter.transports.voices import Voices

VOICE = Voice("v1", "f1", "voice.ogg", 4)


class Router:
    """Has one recording."""

    def __init__(self, *parts: bytes, error: RouterError | None = None) -> None:
        self.parts = parts
        self.error = error
        self.told: list[tuple[str, str, str]] = []
        self.leases: list[float] = []

    def take_voice(self, _transport: str, _wait: float, lease: float) -> Voice | None:
        self.leases.append(lease)
        return None if self.told else VOICE

    def voice_parts(self, _voice: Voice) -> Iterator[bytes]:
        yield from self.parts
        if self.error is not None:
            raise self.error

    def put_transcript(self, voice_id: str, text: str, problem: str) -> None:
        self.told.append((voice_id, text, problem))


class Ear:
    """Hears what stands in the file, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.folder: Path | None = None

    def text_of(self, path: Path) -> str:
        self.folder = path.parent
        assert self.folder.stat().st_mode & 0o777 == 0o700
        if self.failure is not None:
            raise self.failure
        return f"{path.name}: {path.read_text()}"


def heard(router: Router, ear: Ear) -> bool:
    backoff = Backoff(1.0, 2.0, random.Random(1))
    return Voices("telegram", router, ear, 60.0, threading.Event(), backoff).one(0.0)


def test_a_recording_is_fetched_heard_and_answered_and_its_file_goes() -> None:
    router, ear = Router(b"he", b"llo"), Ear()

    assert (heard(router, ear), heard(router, ear)) == (True, False)
    assert router.told == [("v1", "voice.ogg: hello", "")]
    assert router.leases == [60.0 + module.MARGIN_S] * 2
    assert ear.folder is not None
    assert not ear.folder.exists()


def test_what_fails_is_told_in_words() -> None:
    router = Router(b"x")

    heard(router, Ear(Failed("it took longer than 60 s")))

    assert router.told == [("v1", "", "it took longer than 60 s.")]


def test_a_recording_that_is_too_large_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 3)
    router, ear = Router(b"12", b"34"), Ear()

    heard(router, ear)

    assert router.told[0][2].startswith("it is larger than")
    assert ear.folder is None


def test_one_that_is_gone_is_told_and_a_router_that_is_away_is_not_answered() -> None:
    gone = Router(error=RouterError("NOT_FOUND", "There is no recording."))
    away = Router(error=RouterError("UNAVAILABLE", "The router is away."))

    heard(gone, Ear())
    with pytest.raises(RouterError):
        heard(away, Ear())

    assert gone.told == [("v1", "", "There is no recording.")]
    assert away.told == []


def test_one_that_is_cut_off_by_the_end_of_the_process_is_not_answered() -> None:
    router = Router(b"x")

    with pytest.raises(Stopped):
        heard(router, Ear(Stopped()))
    assert router.told == []


def test_a_disk_that_is_full_is_told() -> None:
    router = Router(b"x")

    heard(router, Ear(OSError(28, "No space left on device")))

    assert "No space left" in router.told[0][2]
