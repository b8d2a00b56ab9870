"""The stand-in for GitHub sends webhooks as GitHub does."""

import hashlib
import hmac
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.unit.fakes.github_scene import Scene

DAY = 86400.0


class _Hook(HTTPServer):
    """Takes webhooks, or does not."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.taken.append((dict(self.headers.items()), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 200)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def hook(scene: Scene) -> Iterator[_Hook]:
    server = _Hook()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    scene.github.app.hook_url = f"http://127.0.0.1:{server.server_address[1]}/github"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_is_signed_over_its_bytes_and_not_tried_again(scene: Scene, hook: _Hook) -> None:
    hook.statuses = [503]
    scene.github.writes(scene.issue, "héllo", scene.ada)
    scene.github.writes(scene.issue, "again", scene.ada)
    scene.github.events.wait_until_sent()

    assert len(hook.taken) == 2
    headers, body = hook.taken[0]
    signed = hmac.new(scene.github.app.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={signed}"
    assert (headers["X-GitHub-Event"], "héllo".encode() in body) == ("issue_comment", True)


def test_what_failed_is_in_the_log_for_three_days_and_comes_again_by_wish(scene: Scene, hook: _Hook) -> None:
    hook.statuses = [503]
    scene.github.writes(scene.issue, "hello", scene.ada)
    scene.github.events.wait_until_sent()
    [failed] = scene.call("GET", "/app/hook/deliveries", params={"status": "failure", "per_page": "1"}).json()[:1]
    whole = scene.call("GET", f"/app/hook/deliveries/{failed['id']}").json()
    scene.call("POST", f"/app/hook/deliveries/{failed['id']}/attempts")
    scene.github.events.wait_until_sent()

    assert whole["request"]["payload"]["comment"]["body"] == "hello"
    assert [(each[0]["X-GitHub-Delivery"], each[1]) for each in hook.taken][-2:] == [
        (failed["guid"], hook.taken[-1][1])
    ] * 2
    assert [each["redelivery"] for each in scene.call("GET", "/app/hook/deliveries").json()][:2] == [True, False]
    scene.github.clock.advance(3 * DAY + 1)
    assert scene.call("GET", "/app/hook/deliveries").json() == []


def test_webhooks_come_late_twice_and_out_of_order(scene: Scene, hook: _Hook) -> None:
    scene.github.events.hold()
    for words in ("one", "two"):
        scene.github.writes(scene.issue, words, scene.ada)
    scene.github.events.copies = 2
    scene.github.events.release(backwards=True)
    scene.github.events.wait_until_sent()

    found = [b'"two"' in body for _, body in hook.taken]
    assert found == [True, True, False, False]
