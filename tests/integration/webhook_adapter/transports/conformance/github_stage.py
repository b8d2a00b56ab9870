"""GitHub as the conformance suite drives it: an issue in a private repository, and somebody who may write there."""

import json
import re
from pathlib import Path

from agentlink.v1 import control_pb2
from flask.testing import FlaskClient

from tests.fakes.github import payloads
from tests.fakes.github.faults import Fault, FaultKind
from tests.fakes.github.github import GitHubStandIn
from tests.fakes.github.world import Comment
from tests.integration.webhook_adapter.transports.conformance.stages import Can, Shown, Stage
from tests.rigs.fast_time import FastClock
from tests.rigs.scripted_outbox import ChatLinkStandIn
from webhook_adapter.transports.github.outbound.comments import REACTIONS
from webhook_adapter.transports.github.outbound.text import choices, without_options
from webhook_adapter.transports.github.outbound.transport import GitHubTransport

PATH_SECRET = "p" * 43
_EMOJI = {content: emoji for emoji, content in REACTIONS.items()}
_FILE = re.compile(r"\n*<details><summary>[^<]*</summary>\n\n(`{3,})\n(.*?)\n\1\n\n</details>", re.DOTALL)
_HEADING = re.compile(r"\*\*(.*?)\*\*\n\n")


class GitHubStage(Stage):
    name, transport = "github", GitHubTransport
    can = frozenset(
        {Can.EDIT, Can.MARK, Can.DELETE, Can.FILES, Can.REFUSE, Can.HURRY, Can.FAIL, Can.CLOSE, Can.HANG, Can.CALL}
    )
    clock = FastClock(1000.0)  # writes come seconds apart

    def __init__(self, folder: Path) -> None:
        self.github = GitHubStandIn(secret="a secret of at least sixteen").start()
        world, self._app_file = self.github.world, folder / "app.json"
        self.ada, self.repository = world.add_user("ada"), world.add_repository("acme/engine", private=True)
        self.repository.roles[self.ada.id] = "write"
        self.github.install(self.repository)
        self.github.throttle().spacing = False  # its time is not that of the courier
        self.issue, other = (world.add_issue(self.repository, title) for title in ("It does not turn", "Nor this"))
        self.chat, self.elsewhere = (f"{self.repository.id}/{each.number}" for each in (self.issue, other))
        self._written: dict[int, Comment] = {}
        app = self.github.app
        told = {"app_id": app.id, "slug": app.slug, "private_key": app.pem, "path_secret": PATH_SECRET}
        self._app_file.touch(0o600)
        self._app_file.write_text(json.dumps(told | {"webhook_secret": app.webhook_secret}))

    @property
    def settings(self) -> dict[str, str]:
        return {"POINTSMAN_GITHUB_APP": str(self._app_file), "POINTSMAN_GITHUB_API": self.github.base_url}

    def meets(self, router: ChatLinkStandIn) -> None:
        space, name = str(self.repository.id), self.repository.full_name
        router.bindings.append(
            control_pb2.Binding(transport="github", space=space, name=name, machine_id="devbox", writers=True)
        )

    def shown(self) -> list[Shown]:
        with self.github.world.changed:
            ours = [each for each in self.github.world.comments.values() if each.app_id]
            return [_shown(each) for each in ours]

    def asks(self) -> str:
        return self.github.writes(self.issue, "@pointsman go on", self.ada).key

    def marks(self, message_id: str) -> list[str]:
        return [_EMOJI[content] for _, _, content in self.github.world.comments[message_id].reactions]

    def writes(self, http: FlaskClient, number: int, text: str = "", *, press: str = "", on: str = "") -> int:
        if press:
            text = str(choices(self.github.world.comments[on].body).index(press) + 1)
        if number not in self._written:
            made = self.github.world.add_comment(self.issue, f"@pointsman {text}", self.ada)
            made.created_at += 5  # nobody answers in the second in which they are asked
            self._written[number] = made
        return self._posts(http, self._written[number], self.github.app.webhook_secret)

    def stranger_writes(self, http: FlaskClient) -> int:
        return self._posts(http, self.github.world.add_comment(self.issue, "@pointsman go", self.ada), "x" * 20)

    def _posts(self, http: FlaskClient, comment: Comment, secret: str) -> int:
        app, about = self.github.app, {"issue": payloads.issue(self.issue)}
        told = payloads.comment(comment, app)
        body = json.dumps(payloads.event(self.repository, self.ada, app, "created", comment=told, **about)).encode()
        headers = self.github.events.headers("issue_comment", "guid", body, secret)
        return http.post(f"/github/webhook/{PATH_SECRET}", data=body, headers=headers).status_code

    def fails(self, how: Can) -> None:
        if how is Can.CLOSE:
            self.issue.locked = True
            return
        fault = {
            Can.REFUSE: Fault(FaultKind.REFUSE, status=422, message="Validation Failed"),
            Can.HURRY: Fault(FaultKind.REFUSE, status=429, message="Too many requests", headers={"Retry-After": "0"}),
            Can.FAIL: Fault(FaultKind.REFUSE),
            Can.HANG: Fault(FaultKind.HANG),
        }[how]
        fault.method, fault.path = "POST", ".*/comments"
        self._fault = self.github.faults.add(fault)

    def is_met(self) -> None:
        assert self.github.faults.wait_until_struck(self._fault)

    def heals(self) -> None:
        self.github.faults.heal()

    def close(self) -> None:
        self.github.stop()


def _shown(comment: Comment) -> Shown:
    body = comment.body.partition("\n\n<!-- pm:")[0]
    buttons = dict(zip(re.findall(r"^[0-9]+\. (.*)$", body, re.MULTILINE), choices(body), strict=False))
    files = tuple(match[2].encode() for match in _FILE.finditer(body))
    words = _HEADING.sub(r"\1\n", _FILE.sub("", without_options(body)), count=1)
    plain = re.sub(r"\\(.)", r"\1", words.replace("\u200b", "").replace("\u00a0", " "))
    return Shown(comment.key, plain, buttons, files)
