"""A turn as a person sees it at Telegram: one message that changes, then the answer as it was written."""

from pathlib import Path

from tests.integration.router.work.working import BUSY, IDLE, Worker, began, ended, plan, said
from tests.integration.telegram.scene import GROUP, Scene, playing

ANSWER = "**Done.** See [the docs](https://docs.example/a), and:\n\n| test | took |\n|--|--|\n| `a` | 1 s |"


def texts(scene: Scene) -> list[str]:
    return [message.text for message in scene.telegram.bot_messages(GROUP)]


def shows(scene: Scene, wish: str) -> None:
    scene.telegram.user_writes(f"/settings {wish}", chat_id=GROUP, user_id=4711)
    scene.telegram.wait_for_message(wish.capitalize(), chat_id=GROUP)


def test_progress_is_one_message_and_the_answer_another(data_dir: Path) -> None:
    with playing(data_dir) as scene, scene.linked() as link:
        shows(scene, "progress")
        worker = Worker(scene.router, link, scene.session)
        worker.does(BUSY, began("a", "npm test"), plan("+look", ".fix *it*"))
        worker.until(lambda: len(texts(scene)) == 2)
        [shown] = scene.telegram.bot_messages(GROUP)[1:]
        first = shown.text
        worker.does(ended("a", "ok"), began("b", "a_b.py", "Edit", 2))
        worker.until(lambda: "Edit" in shown.text)
        worker.finishes(ANSWER)
        worker.does(ended("b"), said(ANSWER), IDLE)
        worker.until(lambda: shown.text.startswith("devbox · api\n☑️"))
        answer = scene.telegram.wait_for_message("Done.", chat_id=GROUP)
        worker.pause(20)

    assert first == "devbox · api\n⚙️ Working · 1 command\n▸ Bash npm test\n☑ look\n▶ fix *it*"
    assert answer.text == "devbox · api\nDone. See the docs, and:\n\ntest │ took\n─────┼─────\na    │ 1 s"
    assert [entity["type"] for entity in answer.entities] == ["bold", "bold", "text_link", "pre"]
    assert shown.text.endswith(": 1 command, 1 edit")
    assert len(texts(scene)) == 3


def test_everything_brings_what_it_says_between_and_what_tools_say(data_dir: Path) -> None:
    with playing(data_dir) as scene, scene.linked() as link:
        shows(scene, "everything")
        worker = Worker(scene.router, link, scene.session)
        worker.does(BUSY, said("I *look*."), began("a", "npm test"), ended("a", "2 failed\n<b>"))
        worker.until(lambda: any("2 failed" in text for text in texts(scene)))
        [steps] = [message for message in scene.telegram.bot_messages(GROUP) if "2 failed" in message.text]

    assert steps.text == "devbox · api\nI look.\n\n✓ Bash npm test\n2 failed\n<b>"
    assert [entity["type"] for entity in steps.entities] == ["bold", "italic", "bold", "code", "pre"]
