"""A session's work on a pull request is a check, and what it asks waits there for weeks."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pointsman.client.records import Chat, Session, SessionState
from tests.fakes.github.faults import FaultKind
from tests.fakes.github.world import CheckRun
from tests.integration.webhook_adapter.transports.github.conftest import Scene
from webhook_adapter.transports.github.outbound.check_watch import CheckWatch
from webhook_adapter.transports.github.outbound.checks import Checks, chosen
from webhook_adapter.transports.github.outbound.transport import GitHubTransport, Own
from webhook_adapter.transports.transport import Button, ChatRef, Delivered, Kind, Outgoing, RetryLater

DAY = 86400.0
SESSION = "0b1c2d3e-4f50-4000-8000-000000000001"
CHOICES = (Button("Allow", "cmd:tok16characters_:allow"), Button("Deny", "cmd:tok16characters_:deny"))


@pytest.fixture(autouse=True)
def is_honest(scene: Scene) -> Iterator[None]:
    """Whatever a test does."""
    yield
    assert scene.github.judge() == []


@pytest.fixture
def checks(scene: Scene) -> Checks:
    return scene.checks()


@pytest.fixture
def transport(scene: Scene, checks: Checks) -> GitHubTransport:
    return made(scene, checks)


def made(scene: Scene, checks: Checks) -> GitHubTransport:
    own = Own(scene.github.app.id, scene.github.app.slug, "pointsman")
    return GitHubTransport(scene.client, own, checks, scene.clock, scene.github.clock.now)


def message(scene: Scene, said: str, **more: Any) -> Outgoing:
    given = {"notification_id": said[:8].replace(" ", "-"), "session_id": SESSION} | more
    return Outgoing(ChatRef(scene.chat(scene.pull)), said, **given)


def asks(scene: Scene, transport: GitHubTransport, buttons: tuple[Button, ...] = CHOICES) -> tuple[str, ...]:
    outcome = transport.send(message(scene, "May it push?", kind=Kind.QUESTION, buttons=buttons))
    assert isinstance(outcome, Delivered)
    return outcome.message_ids


def head(scene: Scene) -> str:
    assert scene.pull.pull
    return scene.pull.pull.head_sha


def shown(scene: Scene) -> CheckRun:
    """The one that the page shows."""
    [run] = scene.github.runs(head(scene))
    return run


def session(scene: Scene, state: SessionState) -> Session:
    home = (Chat("github", scene.chat(scene.pull)), Chat("telegram", "4711"))
    return Session(SESSION, "devbox", "api", "claude", "/", state, 1, True, None, None, home=home)


def watch(scene: Scene, checks: Checks, state: SessionState) -> CheckWatch:
    return CheckWatch(checks, lambda _ended: [session(scene, state)], scene.clock)


def test_a_turn_is_shown_in_one_check_and_in_no_comment(scene: Scene, transport: GitHubTransport) -> None:
    work = message(scene, "Working\nstep", kind=Kind.WORK, is_markdown=True)
    first = transport.send(work)
    assert isinstance(first, Delivered)
    again = [transport.edit(replace(work, text=f"Working {n}", edit_message_ids=first.message_ids)) for n in range(3)]
    scene.clock._now += 15
    last = transport.edit(replace(work, text="Working 9", edit_message_ids=first.message_ids))

    run = shown(scene)
    assert first.message_ids == (f"cr{run.id}",)
    assert [type(each) for each in again] == [RetryLater] * 3
    assert isinstance(last, Delivered)
    assert (run.status, run.output["summary"], len(run.history)) == ("in_progress", "Working 9", 2)
    assert scene.github.of(scene.pull) == []


def test_what_waits_is_queued_and_what_was_not_done_has_failed(scene: Scene, transport: GitHubTransport) -> None:
    [mention] = scene.github.of(scene.pull, ours=False)
    status = message(scene, "Queued", kind=Kind.STATUS, command_state="QUEUED", reply_to_message_id=mention.key)
    transport.send(status)
    before = (shown(scene).status, shown(scene).conclusion)
    transport.send(replace(status, text="It was not typed", command_state="DEAD", notification_id="n9"))

    assert before == ("queued", None)
    assert (shown(scene).status, shown(scene).conclusion) == ("completed", "failure")
    assert [content for _, _, content in mention.reactions] == ["eyes", "confused"]


@pytest.mark.parametrize(
    ("state", "conclusion"),
    [(SessionState.IDLE, "success"), (SessionState.ENDED, "neutral"), (SessionState.BUSY, None)],
)
def test_a_check_ends_as_its_session_does(
    scene: Scene, checks: Checks, state: SessionState, conclusion: str | None
) -> None:
    watch(scene, checks, SessionState.BUSY).look()
    scene.clock._now += 60
    watch(scene, checks, state).look()

    assert shown(scene).conclusion == conclusion


def test_a_session_that_is_told_of_no_more_has_ended(scene: Scene, checks: Checks) -> None:
    told, asked = [session(scene, SessionState.BUSY)], list[bool]()

    def sessions(ended: bool) -> list[Session]:
        asked.append(ended)
        return told

    looking = CheckWatch(checks, sessions, scene.clock)
    looking.look()
    told.clear()
    scene.github.fails(FaultKind.CUT_BEFORE, "PATCH")
    conclusions = []
    for _ in range(2):
        scene.clock._now += 60
        looking.look()
        conclusions.append(shown(scene).conclusion)

    assert conclusions == [None, "neutral"]
    assert asked == [True, False, False]


def test_a_question_is_shown_with_its_buttons_and_is_over_when_it_is_answered(
    scene: Scene, transport: GitHubTransport
) -> None:
    comment, check = asks(scene, transport)
    run = shown(scene)
    asked = (run.status, run.conclusion, [each["label"] for each in run.actions], run.external_id)
    ids = (comment, check)
    transport.edit(message(scene, "Allowed by ada", kind=Kind.QUESTION, edit_message_ids=ids))

    assert (check, asked) == (
        f"cr{run.id}",
        ("completed", "action_required", ["Allow", "Deny"], f"tok16characters_|{scene.chat(scene.pull)}"),
    )
    assert run.output["title"] == "Working"
    assert (run.status, run.conclusion, run.actions) == ("in_progress", None, [])
    assert [each.body.split("\n")[0] for each in scene.github.of(scene.pull)] == ["Allowed by ada"]


def test_it_can_be_answered_where_the_page_shows_no_buttons(scene: Scene, transport: GitHubTransport) -> None:
    asks(scene, transport)

    assert shown(scene).output["title"] == "Waits for you: comment `@pointsman 1`"
    assert "1. Allow\n2. Deny" in scene.github.of(scene.pull)[0].body


@pytest.mark.parametrize(
    "buttons",
    [
        tuple(Button(f"No {number}", f"cmd:T:{number}") for number in range(4)),
        (Button("Allow this and all that come after it", "cmd:T:always"),),
    ],
)
def test_choices_that_do_not_fit_are_in_the_comment_alone(
    scene: Scene, transport: GitHubTransport, buttons: tuple[Button, ...]
) -> None:
    asks(scene, transport, buttons)

    assert shown(scene).actions == []
    assert f"{len(buttons)}. " in scene.github.of(scene.pull)[0].body


def test_a_yes_and_a_no_are_buttons_whatever_stands_beside_them(scene: Scene, transport: GitHubTransport) -> None:
    """As the real Claude Code asks: with something for always, and a no with words."""
    always = Button("✅ Always: Bash(git push:*) in this project", "cmd:tok16characters_:always")
    words = Button("💬 Deny with reason", "cmd:tok16characters_:reason")
    asks(scene, transport, (CHOICES[0], always, CHOICES[1], words))

    assert [each["label"] for each in shown(scene).actions] == ["Allow", "Deny"]
    assert pressed(scene, "Deny") == (scene.chat(scene.pull), "cmd:tok16characters_:deny")
    assert "2. ✅ Always" in scene.github.of(scene.pull)[0].body


def test_on_a_public_repository_the_check_says_only_that_it_waits(scene: Scene, transport: GitHubTransport) -> None:
    scene.repository.private = False
    asks(scene, transport)

    run = shown(scene)
    assert (run.conclusion, run.actions, run.output["title"]) == ("action_required", [], "Waits for its owner")
    assert "push" not in str(run.output)


def pressed(scene: Scene, label: str) -> tuple[str, str] | None:
    """What a press sends back, as it is delivered."""
    run = shown(scene)
    scene.github.presses(run, label, scene.ada)
    identifier = next(each["identifier"] for each in run.actions if each["label"] == label)
    return chosen(run.external_id, identifier, run.output.get("text", ""))


def test_a_question_is_answered_nine_days_and_two_pushes_later(scene: Scene, transport: GitHubTransport) -> None:
    asks(scene, transport)
    old = [head(scene)]
    for _ in range(2):
        scene.github.clock.advance(4.5 * DAY)
        scene.github.pushes(scene.pull, scene.ada)
        # By a process that knows nothing of it.
        scene.client = scene.anew()
        watch(scene, scene.checks(), SessionState.WAITING).look()
        old.append(head(scene))

    assert [scene.github.runs(sha)[0].conclusion for sha in old] == ["neutral", "neutral", "action_required"]
    assert pressed(scene, "Deny") == (scene.chat(scene.pull), "cmd:tok16characters_:deny")
    for sha in old[:2]:
        with pytest.raises(ValueError, match="no button"):
            scene.github.presses(scene.github.runs(sha)[0], "Deny", scene.ada)


def test_what_a_button_sends_back_may_be_longer_than_github_takes(scene: Scene, transport: GitHubTransport) -> None:
    long = "always-for-this-folder-and->-below"
    asks(scene, transport, (CHOICES[0], Button("Always", f"cmd:tok16characters_:{long}")))
    scene.github.pushes(scene.pull, scene.ada)
    watch(scene, scene.checks(), SessionState.WAITING).look()

    assert shown(scene).actions[1]["identifier"] == "#2"
    assert pressed(scene, "Always") == (scene.chat(scene.pull), f"cmd:tok16characters_:{long}")


def test_a_turn_of_three_weeks_goes_on(scene: Scene, checks: Checks) -> None:
    watch(scene, checks, SessionState.BUSY).look()
    scene.github.clock.advance(21 * DAY)
    watch(scene, scene.checks(), SessionState.BUSY).look()
    scene.clock._now += 20
    watch(scene, checks, SessionState.IDLE).look()

    assert (len(scene.github.runs()), shown(scene).conclusion) == (1, "success")


def test_what_was_made_and_not_answered_is_not_made_again(scene: Scene, checks: Checks) -> None:
    scene.client.repository(scene.repository.id)
    cut = scene.github.fails(FaultKind.CUT_AFTER, "POST", ".*/check-runs")
    for _ in range(2):
        watch(scene, checks, SessionState.BUSY).look()

    assert (cut.struck, len(scene.github.runs())) == (1, 1)


def test_without_the_permission_the_comments_come_all_the_same(scene: Scene, transport: GitHubTransport) -> None:
    scene.github.install(
        scene.repository, permissions={"issues": "write", "pull_requests": "write", "metadata": "read"}
    )

    assert len(asks(scene, transport)) == 1
    assert len(scene.github.of(scene.pull)) == 1
    scene.github.world.violations.clear()  # that the owner did not give it shows when it is asked for


def test_a_pull_request_of_a_fork_has_its_check_too(scene: Scene, checks: Checks) -> None:
    fork = scene.github.world.add_pull(scene.repository, "From afar", fork=True)
    scene.github.writes(fork, "@pointsman look", scene.ada)
    scene.pull = fork
    watch(scene, checks, SessionState.BUSY).look()

    assert shown(scene).external_id == f"|{scene.chat(fork)}"


def test_what_is_offered_anew_stays_when_the_older_is_over(scene: Scene, transport: GitHubTransport) -> None:
    ids = []
    for number in range(2):
        start = Button("Start it", f"cmd:tok{number}:begin:0b1c2d3e-4f50-4000-8000-000000000001")
        told = transport.send(message(scene, f"{number} would be work", kind=Kind.ANSWER, buttons=(start,)))
        assert isinstance(told, Delivered)
        ids.append(told.message_ids)
    found = []
    for number in range(2):
        transport.edit(message(scene, "Started", kind=Kind.ANSWER, edit_message_ids=ids[number]))
        found.append((shown(scene).conclusion, [each["identifier"] for each in shown(scene).actions]))

    assert found == [("action_required", ["#1"]), ("neutral", [])]
    assert shown(scene).output["title"] == "Nothing waits here any more"


@pytest.mark.parametrize(
    ("external_id", "identifier", "text"),
    [("", "allow", ""), ("no-bar", "allow", ""), ("a b|5/3", "allow", ""), ("|5/3", "allow", ""), ("T|5/3", "#2", ""),
     ("T|5/3", "#1", "<!-- pm-check [] -->"), ("T|5/3", "#9", '<!-- pm-check {"options": ["x"]} -->')],
)  # fmt: skip
def test_what_is_no_answer_of_ours(external_id: str, identifier: str, text: str) -> None:
    assert chosen(external_id, identifier, text) is None
