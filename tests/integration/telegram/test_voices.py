"""A voice note at Telegram, from the phone to the session: heard, shown, and typed when somebody says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_state import Message
from tests.integration.router.harness import config, serving
from tests.integration.telegram.scene import ADA, GROUP, Scene
from webhook_adapter.config import AdapterConfig

HEARS = 'sh -c \'cat "$1"; printf " was said"\' sh'


class SpokenScene(Scene):
    """Whose adapter turns recordings into text."""

    command = HEARS

    def settings(self) -> AdapterConfig:
        usual = super().settings().environ
        return AdapterConfig.from_environ({**usual, "POINTSMAN_TRANSCRIBER": self.command, "PATH": "/usr/bin:/bin"})

    def is_asked(self) -> Message:
        return self.telegram.wait_for_message("🎤", chat_id=GROUP)


@contextmanager
def speaking(data_dir: Path, command: str = HEARS) -> Iterator[SpokenScene]:
    with TelegramStandIn(seed=5) as telegram, serving(config(data_dir)) as router:
        telegram.add_chat(GROUP, title="Ops")
        scene = SpokenScene(router, telegram)
        scene.command = command
        yield scene


def test_a_voice_note_is_heard_shown_and_typed(data_dir: Path) -> None:
    with speaking(data_dir) as scene, scene.linked() as link:
        scene.router.notify(scene.session, text="ready")
        ready = scene.sees("ready")
        scene.telegram.user_sends(b"hello", "voice", chat_id=GROUP, user_id=ADA, reply_to=ready)
        question = scene.is_asked()
        asked, before = question.text, link.waiting()
        popped = scene.presses(question, "✅ Send")
        [frame] = link.commands(1)

    assert asked.startswith("🎤 I heard for api:\n\nhello was said")
    assert before == 0
    assert popped == "Sending: hello was said"
    assert frame.action.input.text == "hello was said"


def test_what_fails_is_told_and_the_recording_can_go_as_it_is(data_dir: Path) -> None:
    with speaking(data_dir, "sh -c 'exit 3'") as scene, scene.linked() as link:
        scene.router.notify(scene.session, text="ready")
        ready = scene.sees("ready")
        scene.telegram.user_sends(b"hello", "video_note", chat_id=GROUP, user_id=ADA, reply_to=ready)
        question = scene.is_asked()
        scene.presses(question, "📎 Send the recording")
        [frame] = link.commands(1)

    assert "exit code 3" in question.text
    assert (frame.action.file.name, frame.action.file.size) == ("video.mp4", 5)


def test_other_files_go_as_before(data_dir: Path) -> None:
    with speaking(data_dir) as scene, scene.linked() as link:
        scene.router.notify(scene.session, text="ready")
        ready = scene.sees("ready")
        scene.telegram.user_sends(b"hello", "document", name="a.txt", chat_id=GROUP, user_id=ADA, reply_to=ready)

        assert link.commands(1)[0].action.file.name == "a.txt"
