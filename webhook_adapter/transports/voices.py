"""Takes recordings from the router, has them turned into text, and hands that in. One at a time.

Nothing is kept here: one that was not answered when the process ended is given to the next.
"""

import logging
import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from pointsman.client.errors import RouterError
from webhook_adapter.backoff import Backoff
from webhook_adapter.model import Voice
from webhook_adapter.router.errors import is_about_content
from webhook_adapter.transports.platform import Host
from webhook_adapter.transports.transcription import BROKEN, Failed, Stopped, Transcriber, transcriber

logger = logging.getLogger(__name__)

WAIT_S = 20.0  # of a call for the next one
MARGIN_S = 60.0  # to fetch the file and hand the words in
TOO_LARGE = "it is larger than {most} MB"
MOST_BYTES = 25_000_000  # OpenAI takes no more; Telegram gives 20 MB
_AGAIN_S = (1.0, 60.0)


class VoiceRouter(Protocol):
    """What is asked of the router. Every method raises RouterError."""

    def take_voice(self, transport: str, wait: float, lease: float) -> Voice | None:
        """The next recording, if one comes within so many seconds."""

    def voice_parts(self, voice: Voice) -> Iterator[bytes]:
        """Its bytes."""

    def put_transcript(self, voice_id: str, text: str, problem: str) -> None:
        """What was said in it, or why that is not known."""


class Voices:
    """Of one platform."""

    def __init__(
        self, transport: str, router: VoiceRouter, transcriber: Transcriber, lease: float, stop: threading.Event,
        backoff: Backoff,
    ) -> None:  # fmt: skip
        """`lease` in seconds: so long the transcriber may take."""
        self._transport = transport
        self._router = router
        self._transcriber = transcriber
        self._lease = lease + MARGIN_S
        self._stop = stop
        self._backoff = backoff

    def run(self) -> None:
        """Take one after another until `stop` is set."""
        while not self._stop.is_set():
            try:
                self.one(WAIT_S)
                self._backoff.reset()
            except RouterError as error:
                logger.warning("recordings are not turned into text now: %s", error.message)
                self._stop.wait(error.retry_after or self._backoff.next_wait())
            except Stopped:
                return

    def one(self, wait: float) -> bool:
        """The next one, if one comes within so many seconds. Raises RouterError or Stopped."""
        voice = self._router.take_voice(self._transport, wait, self._lease)
        if voice is None:
            return False
        text, problem = self._heard(voice)
        # What was said is not logged.
        logger.info("recording id=%s characters=%d problem=%s", voice.voice_id, len(text), problem)
        self._router.put_transcript(voice.voice_id, text, problem)
        return True

    def _heard(self, voice: Voice) -> tuple[str, str]:
        try:
            with tempfile.TemporaryDirectory(prefix="pointsman-voice-") as folder:  # readable by its owner alone
                path = Path(folder, voice.name)
                self._fetch(voice, path)
                return self._transcriber.text_of(path), ""
        except Failed as failed:
            return "", f"{failed}."
        except RouterError as error:
            if not is_about_content(error):
                raise
            return "", error.message
        except OSError as error:
            logger.exception("recording not turned into text id=%s", voice.voice_id)
            return "", BROKEN.format(why=error.strerror) + "."

    def _fetch(self, voice: Voice, path: Path) -> None:
        size = 0
        with path.open("wb") as file:
            for part in self._router.voice_parts(voice):
                if (size := size + len(part)) > MOST_BYTES:
                    raise Failed(TOO_LARGE.format(most=MOST_BYTES // 1_000_000))
                file.write(part)


def voices(host: Host, transport: str) -> dict[str, Callable[[], None]]:
    """What a route runs beside it, so that its recordings are turned into text; nothing without settings."""
    config = host.config.transcriber
    if config is None:
        return {}
    backoff = Backoff(*_AGAIN_S, random.Random())  # noqa: S311 - it spreads tries
    heard_by = transcriber(config, host.config.environ, host.stop)
    return {f"{transport}-voices": Voices(transport, host.router, heard_by, config.seconds, host.stop, backoff).run}
