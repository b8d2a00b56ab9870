"""A reply in the chat is typed into the right session on the right machine, in order, once."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.local.client import socket_path
from tests.e2e.system import CHAT, POINTSMAN, Pane, System, at_once, message, press, running
from tests.fakes import telegram_updates as updates
from tests.fakes.telegram_images import png
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("e2e")) as one:
        yield one


@pytest.fixture(scope="module")
def pane(system: System) -> Pane:
    return system.pane("work")


@pytest.fixture(scope="module")
def notified(system: System, pane: Pane) -> dict[str, object]:
    """A notification the platform took: its message id and token."""
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "cmd:TOKEN:yes"}]]}
    body = {"sessionId": pane.session_id, "chatId": CHAT, "text": "Done. Go on?", "replyMarkup": markup}
    response = system.rest("POST", "/notifications/send", body)
    assert response.status_code == 200, response.text
    answer: dict[str, object] = response.json()
    return answer


_numbers = iter(range(50_000, 60_000))


def arrives(system: System, pane: Pane, update: dict[str, object]) -> str:
    """Post an update; what the pane got by it, which must be one line."""
    before = len(pane.typed())
    assert system.webhook(update).status_code == 200
    lines = pane.wait_for(before + 1)
    assert len(lines) == before + 1
    return lines[-1]


def test_the_platforms_message_id_and_a_token_come_back(system: System, notified: dict[str, object]) -> None:
    stands = {str(m.message_id) for m in system.telegram.bot_messages(CHAT)}

    assert str(notified["messageId"]) in stands
    assert len(str(notified["token"])) == 16


def test_a_picture_of_a_session_comes_to_the_phone_and_a_reply_to_it_arrives(
    system: System, pane: Pane, tmp_path: Path
) -> None:
    picture = png(640, 480) + bytes(600_000)
    (tmp_path / "plot.png").write_bytes(picture)
    system.cli("notify", pane.session_id, "The plot.", "--file", str(tmp_path / "plot.png"))
    (tmp_path / "plot.png").unlink()
    # Receipts of other tests go first, one a second.
    [shown] = system.telegram.wait_for(lambda: [m for m in system.telegram.messages(CHAT) if m.document == picture], 60)
    system.delivered(shown.message_id)

    assert shown.extra["caption"].splitlines()[1] == "The plot."
    assert arrives(system, pane, message(next(_numbers), "nice plot", reply_to=shown.message_id)) == "nice plot"


def test_a_reply_arrives(system: System, pane: Pane, notified: dict[str, object]) -> None:
    update = message(next(_numbers), "go on please", reply_to=int(str(notified["messageId"])))

    assert arrives(system, pane, update) == "go on please"


def test_a_cmd_with_the_token_arrives(system: System, pane: Pane, notified: dict[str, object]) -> None:
    update = message(next(_numbers), f"/cmd {notified['token']} run the tests")

    assert arrives(system, pane, update) == "run the tests"


def test_a_button_arrives(system: System, pane: Pane, notified: dict[str, object]) -> None:
    update = press(next(_numbers), int(str(notified["messageId"])), f"cmd:{notified['token']}:yes")

    assert arrives(system, pane, update) == "y"


def test_plain_text_after_use_arrives(system: System, pane: Pane) -> None:
    assert system.webhook(message(next(_numbers), "/use work")).status_code == 200

    assert arrives(system, pane, message(next(_numbers), "plain words")) == "plain words"


@pytest.mark.parametrize(
    "text",
    [
        "Grüße, 世界 🚀 👩🏽‍💻 é",
        "-n --leading dashes",
        "'single' \"double\" `backticks` $(id) ${HOME} $HOME \\n \\",
        "ends with a semicolon;",
        "tab\there",
        "x" * 3000,
        "wörter " * 500,
    ],
    ids=["unicode", "dashes", "shell", "semicolon", "tab", "3 KB", "4 KB"],
)
def test_awkward_text_arrives_unchanged(system: System, pane: Pane, notified: dict[str, object], text: str) -> None:
    update = message(next(_numbers), text, reply_to=int(str(notified["messageId"])))

    assert arrives(system, pane, update) == text


def test_lines_arrive_as_lines(system: System, pane: Pane, notified: dict[str, object]) -> None:
    before = len(pane.typed())
    system.webhook(message(next(_numbers), "one\ntwo\nthree", reply_to=int(str(notified["messageId"]))))

    assert pane.wait_for(before + 3)[before:] == ["one", "two", "three"]


def test_the_same_update_ten_times_at_once_is_one_command(
    system: System, pane: Pane, notified: dict[str, object]
) -> None:
    before = len(pane.typed())
    update = message(next(_numbers), "only once", reply_to=int(str(notified["messageId"])))

    answers = at_once(10, lambda: system.webhook(update).status_code)
    system.webhook(message(next(_numbers), "the next", reply_to=int(str(notified["messageId"]))))

    assert answers == [200] * 10
    assert pane.wait_for(before + 2)[before:] == ["only once", "the next"]


def test_a_stranger_gets_200_and_nothing_else(system: System, pane: Pane) -> None:
    system.webhook(message(next(_numbers), f"/use {pane.session_id}"))
    before, said = len(pane.typed()), len(system.telegram.bot_messages())

    response = system.webhook(message(next(_numbers), "let me in", chat=666, user=666))
    system.webhook(message(next(_numbers), "marker"))
    pane.wait_for(before + 1)

    assert response.status_code == 200
    assert pane.typed()[before:] == ["marker"]
    assert [m.chat.id for m in system.telegram.bot_messages()[said:]].count(666) == 0
    assert "let me in" not in system.log()


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"path": "wrong"}, 404),
        ({"secret": "wrong"}, 401),
        ({}, 400),
    ],
    ids=["path", "header", "not JSON"],
)
def test_what_is_not_telegram_is_turned_away(system: System, how: dict[str, str], status: int) -> None:
    assert system.webhook(b"{no json", **how).status_code == status


def test_more_than_a_mebibyte_is_413(system: System) -> None:
    assert system.webhook(b" " * (1024 * 1024 + 1)).status_code == 413


def test_a_second_machine_gets_only_its_own(system: System, pane: Pane, tmp_path: Path) -> None:
    token = system.cli("machine", "token", "--machine", "laptop", "--json")["joinToken"]
    other = {"POINTSMAN_DATA_DIR": str(tmp_path / "second"), "POINTSMAN_MACHINE_ID": "laptop"}
    system.cli("enroll", system.router, token, **other)
    env = system.environ() | other | {"POINTSMAN_ROUTER": system.router}
    agent = subprocess.Popen([*POINTSMAN, "agent"], env=env, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        wait_until(Path(socket_path(tmp_path / "second")).exists)
        second = system.pane("elsewhere", environ=other)
        here = len(pane.typed())
        system.cli("send", second.session_id, "for the laptop", "--wait")
        system.cli("send", pane.session_id, "for the devbox", "--wait")

        assert second.wait_for(1) == ["for the laptop"]
        assert pane.wait_for(here + 1)[here:] == ["for the devbox"]
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait(10)
        assert agent.stdout is not None
        agent.stdout.close()


def test_unknown_and_ended_sessions_and_too_large_texts_are_refused(system: System, pane: Pane) -> None:
    unknown = system.rest("POST", "/commands", {"sessionId": "nowhere", "text": "x"})
    large = system.rest("POST", "/commands", {"sessionId": pane.session_id, "text": "x" * 65_537})
    gone = system.pane("short")
    system.cli("session", "unregister", gone.session_id)
    wait_until(lambda: "short" not in [s["label"] for s in system.sessions()])
    ended = system.rest("POST", "/commands", {"sessionId": gone.session_id, "text": "x"})

    assert (unknown.status_code, unknown.json()["code"]) == (404, "SESSION_UNKNOWN")
    assert (large.status_code, large.json()["code"]) == (413, "TOO_LARGE")
    assert ended.json()["code"] == "SESSION_ENDED"
    assert gone.typed() == []


@pytest.mark.parametrize("way", ["polled", "posted"])
def test_a_photo_is_on_the_machine_when_its_path_is_typed(
    system: System, pane: Pane, notified: dict[str, object], way: str
) -> None:
    light = bytes(range(256)) * 4096
    about, before = int(str(notified["messageId"])), len(pane.typed())
    if way == "polled":
        system.telegram.user_sends(light, "photo", caption=f"look, {way}", reply_to=about)
    else:
        update = message(next(_numbers), "", reply_to=about)
        photo = updates.file(system.telegram.world, light, "photo", "", len(light))
        update["message"] |= photo | {"caption": f"look, {way}"}
        assert system.webhook(update).status_code == 200
    [line] = pane.wait_for(before + 1)[before:]

    words, _, path = line.rpartition(" ")
    assert (words, path.endswith("/photo.jpg"), Path(path).read_bytes()) == (f"look, {way}", True, light)


def test_trace_tells_the_whole_story(system: System, pane: Pane, notified: dict[str, object]) -> None:
    number = next(_numbers)
    arrives(system, pane, message(number, "follow me", reply_to=int(str(notified["messageId"]))))
    bot = system.telegram.token.split(":")[0]

    steps = wait_until(lambda: _finished(system.cli("trace", f"telegram:{bot}:{number}", "--json")))

    assert [step["event"] for step in steps][:4] == ["Accepted", "Sent", "Stored", "Ended"]


def _finished(steps: list[dict[str, str]]) -> list[dict[str, str]]:
    return steps if any(step["event"] == "Ended" for step in steps) else []
