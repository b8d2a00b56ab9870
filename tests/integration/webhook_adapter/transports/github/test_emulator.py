"""Our way out and in against a GitHub that others wrote."""

import json
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.github_emulator import GitHubEmulator
from tests.rigs.fast_time import StillClock
from tests.waiting import PATIENCE
from webhook_adapter.transports.github.inbound.delivery import Comment, Ignored, read
from webhook_adapter.transports.github.inbound.mentions import said
from webhook_adapter.transports.github.inbound.signature import is_signed
from webhook_adapter.transports.github.outbound.checks import Checks, Subject
from webhook_adapter.transports.github.outbound.client import ApiRefused, Cost, GitHubClient
from webhook_adapter.transports.github.outbound.comments import Where
from webhook_adapter.transports.github.outbound.options import Choices
from webhook_adapter.transports.github.outbound.text import Place, question
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
    number, sha = scene.github.opens_pull("topic")
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


def test_a_question_moves_to_the_commit_that_comes_while_it_waits(scene: Scene) -> None:
    number, sha = scene.github.opens_pull("later")
    repo, subject = f"/repos/{scene.github.repository}", Subject(Where(scene.repository_id, number), "s1")
    asked = Outgoing(scene.chat(number), "May it?", kind=Kind.QUESTION, session_id="s1", notification_id="q",
                     buttons=(Button("Allow", "cmd:T:allow"),))  # fmt: skip
    scene.transport.send(asked)
    scene.github.as_ada("PUT", f"{repo}/pulls/{number}/update-branch", expected_head_sha=sha)
    newest = scene.github.as_ada("GET", f"{repo}/pulls/{number}")["head"]["sha"]
    scene.checks.follow(subject)

    stand = {each: scene.github.as_ada("GET", f"{repo}/commits/{each}/check-runs")["check_runs"]
             for each in (sha, newest)}  # fmt: skip
    assert [each["conclusion"] for each in stand[sha]] == ["neutral"]
    assert [each["conclusion"] for each in stand[newest]] == ["action_required"]


def test_a_number_that_was_written_before_a_question_names_no_choice_of_it(scene: Scene) -> None:
    """Its times have parts of a second."""
    number = scene.github.opens_issue()
    asked = Outgoing(scene.chat(number), "May it?", kind=Kind.QUESTION, buttons=(Button("Allow", "cmd:T:allow"),))
    [body] = question(asked, Place("pointsman", is_private=True))
    path = f"/issues/{number}/comments"
    told = scene.client.call(scene.repository_id, "POST", path, {"body": body}, cost=Cost.NOTICE).content
    second = datetime.fromisoformat(told["created_at"]).replace(microsecond=0)
    choices = Choices(scene.client, scene.github.app_id, "pointsman[bot]")
    chat_id = scene.chat(number).chat_id

    assert choices.chosen(chat_id, "1", second, told["id"] - 1) is None
    assert choices.chosen(chat_id, "1", second, told["id"] + 1) == (f"ic{told['id']}", "cmd:T:allow")


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


def test_what_it_cannot_do_is_what_the_run_with_it_leaves_out(scene: Scene) -> None:
    number, sha = scene.github.opens_pull("pushed")
    repo = f"/repos/{scene.github.repository}"
    comment = scene.github.as_ada("POST", f"{repo}/issues/{number}/comments", body="a word")
    _, told = scene.hook.next_comment(number)
    run = scene.client.call(scene.repository_id, "POST", "/check-runs", {"name": "one", "head_sha": sha}).content
    moved = scene.github.as_ada("GET", f"{repo}/git/ref/heads/main")["object"]["sha"]
    scene.github.as_ada("PATCH", f"{repo}/git/refs/heads/pushed", sha=moved, force=True)

    def of_app(method: str, path: str, **body: str) -> int:
        with pytest.raises(ApiRefused) as refused:
            scene.client.call(scene.repository_id, method, path, body)
        return refused.value.status

    with pytest.raises(ApiRefused, match="Not Found"):
        scene.client.as_app("GET", "/app/hook/deliveries")
    assert of_app("POST", f"/issues/comments/{comment['id']}/reactions", content="eyes") == 404
    assert of_app("GET", f"/issues/{number}") == 404  # pull requests are no issues there
    assert "pull_request" not in json.loads(told)["issue"]
    assert not requests.get(f"{scene.github.url}/{scene.github.repository}.git/info/refs", timeout=20).ok
    assert not requests.get(run["html_url"], timeout=20).ok  # no page to press anything on
    assert scene.github.as_ada("GET", f"{repo}/pulls/{number}")["head"]["sha"] == sha  # whatever is pushed
