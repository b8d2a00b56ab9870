"""What is wrong is found, and its cure is told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from click.testing import Result

from tests.fakes.telegram import TOKEN, TelegramStandIn
from tests.integration.pointsman.conftest import Run
from tests.rigs.agent_socket import FakeAgent
from tests.rigs.scripted_control import FakeControl

Findings = dict[str, dict[str, Any]]


def findings(done: Result) -> Findings:
    """The worst finding of each check."""
    order = ["OK", "WARN", "FAIL"]
    found = sorted(json.loads(done.stdout), key=lambda one: order.index(one["level"]))
    return {one["check"]: one for one in found}


@contextmanager
def adapter(status: int = 200, date: str = "") -> Iterator[str]:
    """The adapter's readiness, at an address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            self.send_header("Date", date or self.date_time_string())
            self.end_headers()
            self.wfile.write(b'{"error": "the router is away"}')

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_all_is_well(run: Run, agent: FakeAgent) -> None:
    assert agent is not None
    with adapter() as address:
        done = run("doctor", "--json", POINTSMAN_HTTP_LISTEN=address)

    assert done.exit_code == 0
    assert {one["level"] for one in findings(done).values()} == {"OK"}
    assert {"settings", "router", "adapter", "clock", "agent", "telegram", "sqlite", "disk"} <= set(findings(done))


def test_people_read_one_line_a_check_and_the_cure_below(run: Run, unused_address: str) -> None:
    done = run("doctor", POINTSMAN_ROUTER=unused_address, POINTSMAN_HTTP_LISTEN=unused_address)

    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("fail  router")]
    assert "→ Is it running?" in lines[at + 1]


def test_a_wrong_key_is_the_router_s_finding(run: Run, unused_address: str) -> None:
    done = run("doctor", "--json", POINTSMAN_API_KEY="pmk_wrong", POINTSMAN_HTTP_LISTEN=unused_address)

    assert "API key" in findings(done)["router"]["found"]
    assert "pmk_wrong" not in done.stdout


def test_an_adapter_that_is_not_ready_says_why(run: Run) -> None:
    with adapter(503) as address:
        done = run("doctor", "--json", POINTSMAN_HTTP_LISTEN=address)

    assert "the router is away" in findings(done)["adapter"]["found"]


def test_a_clock_that_is_off_is_found(run: Run) -> None:
    with adapter(date="Thu, 01 Jan 2004 00:00:00 GMT") as address:
        done = run("doctor", "--json", POINTSMAN_HTTP_LISTEN=address)

    assert findings(done)["clock"]["level"] == "FAIL"


def test_an_agent_without_its_router_is_found(run: Run, agent: FakeAgent) -> None:
    agent.status["connected"] = False

    done = run("doctor", "--json")

    assert findings(done)["agent"]["level"] == "FAIL"


@pytest.mark.parametrize("name", ["api_key", "agent/machine.key", "agent/machine.key.next", "agent/machine.key.former"])
def test_secrets_that_others_may_read_are_found(run: Run, data_dir: Path, name: str) -> None:
    (data_dir / name).parent.mkdir(exist_ok=True)
    (data_dir / name).write_text("secret")
    (data_dir / name).chmod(0o644)

    found = findings(run("doctor", "--json"))

    assert found["secrets"]["cure"] == f"chmod 600 {data_dir / name}"


def test_an_open_data_directory_is_found(run: Run, data_dir: Path) -> None:
    data_dir.chmod(0o755)

    assert findings(run("doctor", "--json"))["data directory"]["level"] == "WARN"


def test_bad_settings_are_all_that_is_told(run: Run) -> None:
    done = run("doctor", "--json", POINTSMAN_ROUTER="nonsense", ALLOWED_CHAT_IDS="me")

    assert done.exit_code == 1
    assert [one["check"] for one in json.loads(done.stdout)] == ["settings", "settings"]


def test_a_misspelt_setting_is_found(run: Run) -> None:
    found = findings(run("doctor", "--json", POINTSMAN_HTP_LISTEN="x"))

    assert "POINTSMAN_HTP_LISTEN" in found["settings"]["found"]


TELEGRAM = {
    "TELEGRAM_BOT_TOKEN": TOKEN,
    "TELEGRAM_WEBHOOK_SECRET": "header-secret",
    "TELEGRAM_WEBHOOK_PATH_SECRET": "path-secret",
    "ALLOWED_CHAT_IDS": "42",
    "POINTSMAN_PUBLIC_URL": "https://pointsman.example.org",
}


@pytest.fixture
def telegram() -> Iterator[dict[str, str]]:
    with TelegramStandIn() as stand_in:
        yield {**TELEGRAM, "TELEGRAM_API_BASE": stand_in.base_url}


def test_a_missing_webhook_is_found_and_its_cure_works(run: Run, telegram: dict[str, str]) -> None:
    before = findings(run("doctor", "--json", **telegram))
    cured = run("webhook", "set", **telegram)
    after = findings(run("doctor", "--json", **telegram))

    assert before["webhook"]["cure"] == "`pointsman webhook set`"
    assert cured.exit_code == 0
    assert after["webhook"]["level"] == "OK"
    assert after["telegram"]["found"].startswith("the bot is @")


@pytest.mark.parametrize(
    ("age", "error", "level", "cure"),
    [
        (60, "Wrong response from the webhook: 401 Unauthorized", "WARN", "`pointsman webhook set`"),
        (60, "Connection refused", "WARN", "Is POINTSMAN_PUBLIC_URL reachable?"),
        (7200, "Connection refused", "OK", ""),
    ],
    ids=["secret lost", "not reachable", "long ago"],
)
def test_what_telegram_complains_of_is_found(run: Run, age: int, error: str, level: str, cure: str) -> None:
    with TelegramStandIn() as stand_in:
        settings = {**TELEGRAM, "TELEGRAM_API_BASE": stand_in.base_url}
        run("webhook", "set", **settings)
        hook = stand_in.world.webhook
        hook.last_error_date, hook.last_error_message = int(time.time()) - age, error

        found = findings(run("doctor", "--json", **settings))["webhook"]

    assert found["level"] == level
    assert found["cure"].startswith(cure)


def test_a_webhook_beside_long_polling_is_found(run: Run, telegram: dict[str, str]) -> None:
    run("webhook", "set", **telegram)

    found = findings(run("doctor", "--json", **{**telegram, "POINTSMAN_PUBLIC_URL": ""}))

    assert "webhook delete" in found["webhook"]["cure"]


def test_a_bot_that_listens_to_nobody_is_found(run: Run, telegram: dict[str, str]) -> None:
    found = findings(run("doctor", "--json", **{**telegram, "ALLOWED_CHAT_IDS": ""}))

    assert "pointsman pair" in found["telegram"]["cure"]


@pytest.mark.parametrize(
    ("chat_id", "user_id", "allowed", "found", "cure"),
    [
        ("666", "666", {}, "Eve (user 666) wrote in chat 666, 2 h ago", "ALLOWED_CHAT_IDS=99,666"),
        ("-77", "666", {}, "Eve (user 666) wrote in chat -77, 2 h ago", "ALLOWED_CHAT_IDS=99,-77 (and everybody else"),
        ("99", "666", {"ALLOWED_USER_IDS": "99"}, "Eve (user 666)", "ALLOWED_USER_IDS=99,666"),
        ("666", "666", {"ALLOWED_CHAT_IDS": ""}, "Eve (user 666)", "ALLOWED_CHAT_IDS=666"),
    ],
    ids=["person", "group", "member", "first"],
)
def test_who_wrote_and_is_not_allowed_is_shown_with_the_setting_to_paste(
    run: Run,
    control: FakeControl,
    telegram: dict[str, str],
    chat_id: str,
    user_id: str,
    allowed: dict[str, str],
    found: str,
    cure: str,
) -> None:
    chat = types.ChatRef(transport="telegram", chat_id=chat_id)
    eve = types.Stranger(chat=chat, user_id=user_id, name="Eve", times=2)
    eve.last_seen_at.FromSeconds(int(time.time()) - 7300)
    control.strangers.append(eve)

    shown = findings(run("doctor", "--json", **{**telegram, "ALLOWED_CHAT_IDS": "99", **allowed}))["strangers"]

    assert shown["level"] == "WARN"
    assert shown["found"].startswith(found)
    assert shown["cure"].startswith(f"To let them in: pointsman pair, or {cure}")


def test_who_is_allowed_by_now_is_no_stranger(run: Run, control: FakeControl, telegram: dict[str, str]) -> None:
    chat = types.ChatRef(transport="telegram", chat_id="666")
    control.strangers.append(types.Stranger(chat=chat, user_id="666", name="Eve", times=1))

    assert "strangers" not in findings(run("doctor", "--json", **{**telegram, "ALLOWED_CHAT_IDS": "99,666"}))


def test_a_token_that_telegram_does_not_know_is_found(run: Run, telegram: dict[str, str]) -> None:
    done = run("doctor", "--json", **{**telegram, "TELEGRAM_BOT_TOKEN": "1:other"})

    assert findings(done)["telegram"]["level"] == "FAIL"
    assert "1:other" not in done.stdout


def test_the_webhook_is_shown_and_deleted(run: Run, telegram: dict[str, str]) -> None:
    run("webhook", "set", **telegram)

    shown = json.loads(run("webhook", "info", "--json", **telegram).stdout)
    told = run("webhook", "info", **telegram).stdout
    deleted = run("webhook", "delete", **telegram)

    assert (shown["isOurs"], shown["origin"]) == (True, "https://pointsman.example.org")
    assert "path-secret" not in told
    assert deleted.exit_code == 0
    assert run("webhook", "info", **telegram).stdout == "no webhook is set\n"


@pytest.mark.parametrize(
    ("missing", "exit_code"), [("TELEGRAM_BOT_TOKEN", 2), ("POINTSMAN_PUBLIC_URL", 2)], ids=["token", "url"]
)
def test_setting_a_webhook_names_the_setting_that_is_missing(
    run: Run, telegram: dict[str, str], missing: str, exit_code: int
) -> None:
    done = run("webhook", "set", **{**telegram, missing: ""})

    assert done.exit_code == exit_code
    assert missing in done.stderr


def test_a_telegram_that_does_not_answer_is_not_reachable(
    run: Run, telegram: dict[str, str], unused_address: str
) -> None:
    done = run("webhook", "info", **{**telegram, "TELEGRAM_API_BASE": f"http://{unused_address}"})

    assert done.exit_code == 3
    assert TOKEN not in done.stderr


def test_the_router_that_cannot_write_is_found(run: Run, control: FakeControl) -> None:
    control.writable = False

    assert findings(run("doctor", "--json"))["router"]["level"] == "FAIL"


@pytest.mark.parametrize(
    ("folder", "has_program", "level", "found"),
    [
        ("", False, "OK", "no session can be started"),
        ("src", True, "OK", "src"),
        ("src", False, "WARN", "claude is not on PATH"),
        ("gone", True, "WARN", "no folder"),
    ],
)
def test_it_is_said_whether_sessions_can_be_started_from_afar(
    run: Run, tmp_path: Path, folder: str, has_program: bool, level: str, found: str
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "claude").touch(mode=0o755 if has_program else 0o644)
    folders = str(tmp_path / folder) if folder else ""

    done = run("doctor", "--json", POINTSMAN_START_FOLDERS=folders, PATH=str(tmp_path))

    told = findings(done)["starting"]
    assert (told["level"], found in told["found"]) == (level, True)


def test_a_new_secret_that_nobody_uses_is_told(run: Run, control: FakeControl) -> None:
    control.keys = [pb.ApiKey(key_id="k1", label="ci", old_secret_good=True), pb.ApiKey(key_id="k2", label="bench")]

    [told] = [one for one in json.loads(run("doctor", "--json").stdout) if one["check"] == "keys"]

    assert told["level"] == "WARN"
    assert "ci was rotated" in told["found"]


def test_keys_that_end_soon_are_told(run: Run, control: FakeControl) -> None:
    control.keys = [pb.ApiKey(key_id=f"k{days}", label=f"in {days} days", role=pb.ROLE_VIEWER) for days in (-1, 3, 30)]
    for key, days in zip(control.keys, (-1, 3, 30), strict=True):
        key.expires_at.FromSeconds(int(time.time()) + days * 86400)

    told = [one for one in json.loads(run("doctor", "--json").stdout) if one["check"] == "keys"]

    assert [one["level"] for one in told] == ["WARN"]
    assert "in 3 days expires on" in told[0]["found"]
    assert "--role viewer" in told[0]["cure"]
