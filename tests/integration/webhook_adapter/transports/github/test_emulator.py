"""Our way out and in against a GitHub that others wrote."""

import json
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.github_emulator import GitHubEmulator
from tests.rigs.fast_time import StillClock
from tests.waiting import PATIENCE
from webhook_adapter.transports.github.inbound.delivery import Comment, Ignored, read
from webhook_adapter.transports.github.inbound.mentions import said
from webhook_adapter.transports.github.inbound.signature import is_signed
from webhook_adapter.transports.github.outbound.checks import Checks, Subject
from webhook_adapter.transports.github.outbound.client import GitHubClient
from webhook_adapter.transports.github.outbound.comments import Where
from webhook_adapter.transports.github.outbound.transport import GitHubTransport, Own
from webhook_adapter.transports.transport import Button, ChatRef, Delivered, Kind, Outgoing

SECRET = "a secret of at least sixteen"


class Hook(HTTPServer):
    """Takes webhooks as they come."""

    def __init__(self) -> None:
        self.taken: queue.SimpleQueue[tuple[Any, bytes]] = queue.SimpleQueue()
        taken = self.taken

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                taken.put((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def next_comment(self, number: int) -> tuple[Any, bytes]:
        """The next that tells of a comment in that issue."""
        while True:
            headers, body = self.taken.get(timeout=PATIENCE)
            if headers["X-GitHub-Event"] == "issue_comment" and json.loads(body)["issue"]["number"] == number:
                return headers, body


@dataclass
class Scene:
    github: GitHubEmulator
    hook: Hook
    clock: StillClock
    client: GitHubClient
    checks: Checks
    transport: GitHubTransport
    repository_id: int

    def chat(self, number: int) -> ChatRef:
        return ChatRef(f"{self.repository_id}/{number}")

    def bodies(self, number: int) -> list[str]:
        found = self.github.as_ada("GET", f"/repos/{self.github.repository}/issues/{number}/comments")
        return [each["body"].partition("\n\n<!-- pm:")[0] for each in found]


@dataclass
class Far:
    """It, and where it sends its webhooks."""

    github: GitHubEmulator
    hook: Hook
    pem: str


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
    hook = Hook()
    thread = threading.Thread(target=hook.serve_forever, args=(0.05,))
    thread.start()
    try:
        hook_url = f"http://127.0.0.1:{hook.server_address[1]}/hook"
        github = GitHubEmulator(tmp_path_factory.mktemp("github"), pem, hook_url, SECRET)
        yield Far(github, hook, pem)
        github.stop()
    finally:
        hook.shutdown()
        thread.join()
        hook.server_close()


@pytest.fixture
def scene(far: Far) -> Iterator[Scene]:
    github, clock = far.github, StillClock()
    client = GitHubClient(github.app_id, far.pem, github.url, clock=clock, name_of=lambda _id: github.repository)
    checks = Checks(client, github.app_id, "pointsman", clock)
    own = Own(github.app_id, github.slug, "pointsman")
    transport = GitHubTransport(client, own, checks, clock, time.time)
    told = github.as_ada("GET", f"/repos/{github.repository}")
    yield Scene(github, far.hook, clock, client, checks, transport, told["id"])
    client.close()


def test_comments_are_written_once_changed_and_taken_away(scene: Scene) -> None:
    number = scene.github.opens_issue()
    first = Outgoing(scene.chat(number), "hello", notification_id="n1")
    outcomes = [scene.transport.send(each) for each in (first, Outgoing(first.chat, "hello", notification_id="n1",
                                                                        attempt=2))]  # fmt: skip
    assert isinstance(outcomes[0], Delivered)
    ids = outcomes[0].message_ids
    scene.transport.edit(Outgoing(first.chat, "changed", notification_id="n2", edit_message_ids=ids))

    assert outcomes[0] == outcomes[1]
    assert scene.bodies(number) == ["changed"]
    assert scene.transport.delete(first.chat, ids[0])
    assert scene.bodies(number) == []


def test_a_question_is_a_check_that_is_over_when_it_is_answered(scene: Scene) -> None:
    number, sha = scene.github.opens_pull()
    asked = Outgoing(scene.chat(number), "May it?", kind=Kind.QUESTION, session_id="s1", notification_id="q",
                     buttons=(Button("Allow", "cmd:T:allow"),))  # fmt: skip
    outcome = scene.transport.send(asked)
    runs = f"/repos/{scene.github.repository}/commits/{sha}/check-runs"
    [waits] = scene.github.as_ada("GET", runs)["check_runs"]
    scene.checks.answered(Subject(Where(scene.repository_id, number), "s1"))
    scene.checks.ended(Subject(Where(scene.repository_id, number), "s1"), "success")

    assert isinstance(outcome, Delivered)
    assert outcome.message_ids[-1] == f"cr{waits['id']}"
    assert (waits["status"], waits["conclusion"]) == ("completed", "action_required")
    assert [each["conclusion"] for each in scene.github.as_ada("GET", runs)["check_runs"]] == ["success"]


def test_a_mention_comes_signed_and_our_own_words_begin_nothing(scene: Scene) -> None:
    number = scene.github.opens_issue()
    scene.github.as_ada("POST", f"/repos/{scene.github.repository}/issues/{number}/comments", body="@pointsman go on")
    headers, body = scene.hook.next_comment(number)
    scene.transport.send(Outgoing(scene.chat(number), "I do, @pointsman", notification_id="n1"))
    _, ours = scene.hook.next_comment(number)

    assert is_signed(SECRET, body, headers["X-Hub-Signature-256"])
    found = read(str(scene.github.app_id), "issue_comment", json.loads(body))
    assert isinstance(found, Comment)
    assert (said(found.text, "pointsman"), found.chat_id) == ("go on", scene.chat(number).chat_id)
    told = read(str(scene.github.app_id), "issue_comment", json.loads(ours))
    assert isinstance(told, Ignored) or not told.sender.is_person  # type: ignore[union-attr]
