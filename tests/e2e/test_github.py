"""From a mention on GitHub to a workspace that is swept: real git, a real agent, the real Claude Code.

In the suite once; with TEST_GITHUB=1 by every way to answer, with an address that GitHub can call and without, and
against a GitHub that others wrote, as far as that goes.
"""

import os
import tarfile
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from agentlink.v1 import types_pb2 as types

from tests.e2e.github_stage import CHAT, DAY, MINUTE, Stage, stage
from tests.integration.router.harness import API_KEY
from tests.rigs.upstream import git

pytestmark = pytest.mark.e2e

EVERY = "TEST_GITHUB" in os.environ
# Of what it makes it pushes a part: the rest is on that disk alone.
PUSH = (
    "echo it turns > turn.txt && echo mine > notes.txt && git add turn.txt && git commit -qm 'Turn it'"
    " && git push -q origin HEAD:topic && echo pushed"
)


def by_press(on: Stage, pull: int) -> None:
    on.github.presses(pull, "✅ Allow")


def by_comment(on: Stage, pull: int) -> None:
    on.github.says(pull, "@pointsman 1")


def by_telegram(on: Stage, _pull: int) -> None:
    # Asked there, and again while nobody answered: any of them will do.
    *_, asked = [each for each in on.telegram.bot_messages(CHAT) if each.buttons and "git push" in each.text]
    on.telegram.press(asked, next(iter(asked.buttons)), user_id=CHAT)


def by_console(on: Stage, _pull: int) -> None:
    with requests.Session() as browser:
        browser.headers["Origin"] = on.console
        assert browser.post(f"{on.console}/console/login", {"api_key": API_KEY}, timeout=30).ok
        page = browser.get(f"{on.console}/console/", timeout=30).text
        token = page.partition('name="csrf-token" content="')[2].partition('"')[0]
        where = {"session": on.workspace().session_id}
        [asked] = browser.get(f"{on.console}/console/api/questions", params=where, timeout=30).json()["questions"]
        said = {"key": str(uuid.uuid4()), "message_id": on.shown_at_console(), "option": "allow"}
        said["input_digest"] = asked["input_digest"]
        done = browser.post(f"{on.console}/console/api/answer", json=said, headers={"X-CSRF-Token": token}, timeout=30)
        assert done.ok, done.text


WAYS = {"press": by_press, "comment": by_comment, "telegram": by_telegram, "console": by_console}


RUNS = [("ours", way, has_address) for way in WAYS for has_address in (True, False)]
# It has no buttons, and no log of deliveries.
RUNS += [("others", way, True) for way in WAYS if way != "press"]


@pytest.mark.parametrize(
    ("whose", "way", "has_address"),
    RUNS,
    ids=[f"{whose}-{way}-{'webhook' if called else 'log'}" for whose, way, called in RUNS],
)
def test_a_mention_becomes_a_commit_and_its_workspace_goes(
    tmp_path: Path, whose: str, way: str, has_address: bool
) -> None:
    if not EVERY and (whose, way, has_address) != ("ours", "press", True):
        pytest.skip("takes long: TEST_GITHUB=1")
    with stage(tmp_path, has_address=has_address, whose=whose) as on:
        pull = asked_on_a_pull_request(on)
        nine_days_later(on, pull, WAYS[way])
        pushed(on, pull)
        swept(on, pull)

        assert on.github.judge() == []


def asked_on_a_pull_request(on: Stage) -> int:
    """A mention becomes a session in a workspace, which shows what it does, and asks."""
    pull = on.github.opens("topic", "Turn it")
    on.github.mentions(pull, f"@pointsman let it turn\n%bash {PUSH}")
    check = on.sees(lambda: on.check(pull, "action_required"))
    assert "in_progress" in check.stood or "history" in on.github.lacks
    assert check.labels == (() if "buttons" in on.github.lacks else ("✅ Allow", "❌ Deny"))
    on.sees(lambda: on.workspaces() == ["WAITING"])
    tree = Path(on.workspace().path)
    assert git(tree, "rev-parse", "HEAD") == on.github.head(pull)
    assert not (tree / "turn.txt").exists()
    on.sees(lambda: any("git push" in each for each in on.github.comments(pull)))
    marks = [] if "reactions" in on.github.lacks else ["eyes", "rocket"]
    on.sees(lambda: on.github.marks(pull) == marks)
    return pull


def nine_days_later(on: Stage, pull: int, answer: Callable[[Stage, int], None]) -> None:
    """Nobody answers for so long; then somebody does."""
    assert on.programs()
    on.passes(31 * MINUTE)
    on.sees(lambda: not on.programs())  # it holds its memory no longer
    on.passes(9 * DAY)
    assert [each.state for each in on.questions()] == [types.PERMISSION_STATE_OPEN]
    on.sees(lambda: any("Still open since" in each for each in on.github.comments(pull)))
    # It was reminded of where it was asked, and in no other comment.
    [asked] = [each for each in on.github.comments(pull) if "git push" in each]
    assert "```\necho it turns" in asked
    meanwhile = on.watches_push(pull)
    answer(on, pull)
    on.sees(lambda: [each.state for each in on.questions()] == [types.PERMISSION_STATE_ALLOWED])
    on.sees(lambda: meanwhile)


def pushed(on: Stage, pull: int) -> None:
    """What was allowed is done, once; the newest commit is green."""
    there = on.github.git
    on.sees(lambda: there.pushes)
    on.sees(lambda: on.check(pull, "success"))
    on.sees(lambda: any("tool said: pushed" in each for each in on.github.comments(pull)))
    upstream = there.upstream.path
    topic = git(upstream, "rev-parse", "refs/heads/topic")
    assert there.pushes == [("ada", topic)]
    assert topic == on.github.head(pull) or "pushes" in on.github.lacks
    assert git(upstream, "show", "refs/heads/topic:turn.txt") == "it turns"
    assert git(upstream, "rev-list", "--count", "main..topic") == "2"


def swept(on: Stage, pull: int) -> None:
    """What it was for is over: the rest of it is archived, and then forgotten."""
    tree = Path(on.workspace().path)
    on.github.merges(pull)
    on.sees(lambda: on.workspaces() == ["CLOSING"])
    assert tree.exists()
    on.passes(8 * DAY)
    on.sees(lambda: on.workspaces() == ["ARCHIVED"])
    packed = Path(on.workspace().path)
    assert not tree.exists()
    with tarfile.open(packed) as archive:
        assert any(name.endswith("notes.txt") for name in archive.getnames())
    on.passes(31 * DAY)
    on.sweeps()
    on.sees(lambda: on.workspaces() == ["GONE"])
    assert not packed.exists()
