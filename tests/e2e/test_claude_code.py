"""The real Claude Code in tmux, with the hooks installed and nothing else done for it."""

from pathlib import Path

import pytest

from tests.e2e.claude_desk import LONG, desk
from tests.e2e.system import CHAT, message
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e


def test_a_turn_is_told_once_and_the_reply_is_followed_to_its_end(tmp_path: Path) -> None:
    with desk(tmp_path) as here:
        here.type("hello there")
        (first,) = wait_until(lambda: here.messages("echo: hello there"), LONG)
        session = here.session()
        assert (session["backend"], session["label"]) == ("tmux", "project")

        here.system.delivered(first.message_id)
        said = here.system.webhook(message(70_001, "and now this", reply_to=first.message_id))
        assert said.status_code == 200
        finished = wait_until(lambda: (one := here.command())["finishedAt"] and one, LONG)
        wait_until(lambda: here.messages("echo: and now this"), LONG)

        assert finished["takenAt"]
        assert finished["typedAt"] <= finished["takenAt"] <= finished["finishedAt"]
        assert wait_until(lambda: here.session()["state"].lower() == "idle", LONG)
        assert len(here.messages("Finished.")) == 2

        assert here.system.stop() == 0
        here.type("nobody listens")
        here.shows("echo: nobody listens")
        wait_until(lambda: here.home.status() == "idle" and "esc to interrupt" not in here.screen(), LONG)
        assert "hook" not in here.screen().lower()


def test_what_it_runs_finds_its_session_and_a_token_for_it(tmp_path: Path) -> None:
    with desk(tmp_path) as here:
        (here.home.project / "tell").write_text('echo "$POINTSMAN_SESSION_ID"; wc -l <"$POINTSMAN_WORKER_TOKEN_FILE"')
        here.type("%bash sh tell >half && mv half told")
        (asked,) = wait_until(lambda: [one for one in here.messages("sh tell") if one.buttons], LONG)
        here.system.telegram.press(asked, "✅ Allow", user_id=CHAT)
        told = wait_until(lambda: (file := here.home.project / "told").exists() and file.read_text().split(), LONG)

        assert told == [here.session()["sessionId"], "1"]
