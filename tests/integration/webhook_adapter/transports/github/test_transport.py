"""The transport brings each message once, and changes what stands rather than write anew."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.github.faults import FaultKind
from tests.fakes.github.world import Issue
from tests.integration.webhook_adapter.transports.github.conftest import Scene
from webhook_adapter.transports.github.outbound.transport import GitHubTransport, Own
from webhook_adapter.transports.transport import Button, ChatRef, Delivered, Kind, Outgoing, Refused, RetryLater

CHOICES = (Button("Allow", "cmd:tok16characters_:allow"), Button("Deny", "cmd:tok16characters_:deny"))


@pytest.fixture
def transport(scene: Scene) -> GitHubTransport:
    return made(scene)


@pytest.fixture(autouse=True)
def is_honest(scene: Scene) -> Iterator[None]:
    """Whatever a test does."""
    yield
    assert scene.github.judge() == []


def made(scene: Scene) -> GitHubTransport:
    own = Own(scene.github.app.id, scene.github.app.slug, "pointsman")
    return GitHubTransport(scene.client, own, scene.checks(), scene.clock, scene.github.clock.now)


def message(scene: Scene, said: str = "done", issue: Issue | None = None, **more: Any) -> Outgoing:
    return Outgoing(ChatRef(scene.chat(issue), more.pop("thread", "")), said, **{"notification_id": "n1"} | more)


def bodies(scene: Scene, issue: Issue | None = None) -> list[str]:
    return [each.body.partition("\n\n<!-- pm:")[0] for each in scene.github.of(issue or scene.issue)]


def brought(outcome: object) -> tuple[str, ...]:
    assert isinstance(outcome, Delivered), outcome
    return outcome.message_ids


def test_a_message_is_a_comment(scene: Scene, transport: GitHubTransport) -> None:
    [message_id] = brought(transport.send(message(scene)))

    assert [each.key for each in scene.github.of(scene.issue)] == [message_id]
    assert bodies(scene) == ["done"]


def test_an_answer_in_a_review_thread_stays_there(scene: Scene, transport: GitHubTransport) -> None:
    root = scene.github.writes(scene.pull, "@pointsman why?", scene.ada, kind="rc")
    [message_id] = brought(transport.send(message(scene, issue=scene.pull, thread=str(root.id))))

    [ours] = scene.github.of(scene.pull)
    assert (ours.key, ours.in_reply_to) == (message_id, root.id)


@pytest.mark.parametrize("kind", [FaultKind.CUT_BEFORE, FaultKind.CUT_AFTER, FaultKind.PAGE, FaultKind.PAGE_AFTER])
@pytest.mark.parametrize("restarts", [True, False])
def test_what_was_not_answered_is_not_written_twice(
    scene: Scene, transport: GitHubTransport, kind: FaultKind, restarts: bool
) -> None:
    said = message(scene)
    transport.send(replace(said, notification_id="before"))
    scene.github.fails(kind, "POST", ".*/comments")
    first = transport.send(said)
    again = made(scene) if restarts else transport
    [message_id] = brought(again.send(replace(said, attempt=2 if restarts else 1)))

    assert isinstance(first, RetryLater)
    assert [each.key for each in scene.github.of(scene.issue)][1:] == [message_id]


def test_a_message_of_parts_goes_on_where_it_stopped(scene: Scene, transport: GitHubTransport) -> None:
    said = message(scene, "word " * 20_000, is_markdown=True)
    scene.github.fails(FaultKind.REFUSE, "PATCH")
    scene.client.repository(scene.repository.id)
    stopping = scene.github.fails(FaultKind.CUT_AFTER, "POST", ".*/comments")
    transport.send(said)
    ids = brought(transport.send(replace(said, attempt=2)))

    assert stopping.struck == 1
    assert [each.key for each in scene.github.of(scene.issue)] == list(ids)
    assert len(ids) == 2


def test_what_somebody_else_wrote_with_our_mark_is_not_ours(scene: Scene, transport: GitHubTransport) -> None:
    scene.github.writes(scene.issue, "mine <!-- pm:n1 -->", scene.ada)
    brought(transport.send(message(scene, attempt=2)))

    assert bodies(scene) == ["done"]


def test_a_turn_is_shown_in_one_comment_that_changes_and_makes_room_for_the_answer(
    scene: Scene, transport: GitHubTransport
) -> None:
    work = message(scene, "Working\nread", kind=Kind.WORK, session_id="s1", notification_id="w")
    ids = brought(transport.send(work))
    outcomes: list[object] = []
    for second in range(40):
        scene.github.clock.advance(0)
        outcomes.append(transport.edit(replace(work, text=f"Working\nstep {second}", edit_message_ids=ids)))
        scene.clock._now += 1
    [shown] = scene.github.of(scene.issue)
    transport.send(message(scene, "It turns.", session_id="s1", notification_id="a"))

    assert len(shown.edits) == 3  # in 40 seconds
    waits = [each.after for each in outcomes if isinstance(each, RetryLater)]
    assert all(wait is not None and 0 < wait <= 15 for wait in waits)
    assert bodies(scene) == ["It turns."]


def test_in_public_only_the_first_line_of_a_turn_is_shown(scene: Scene, transport: GitHubTransport) -> None:
    scene.repository.private = False
    transport.send(message(scene, "Working\n`cat secrets`", kind=Kind.WORK, is_markdown=True))

    assert bodies(scene) == ["Working"]


def test_that_something_was_taken_is_a_mark(scene: Scene, transport: GitHubTransport) -> None:
    [mention] = scene.github.of(scene.issue, ours=False)
    told = message(scene, "Queued", kind=Kind.STATUS, command_state="QUEUED", reply_to_message_id=mention.key)
    ids = brought(transport.send(told))
    transport.send(replace(told, text="Typed", command_state="DONE"))

    assert (ids, bodies(scene)) == ((), [])
    assert [content for _, _, content in mention.reactions] == ["eyes", "+1"]
    transport.react(told.chat, mention.key, "")
    assert mention.reactions == []


def test_that_a_session_has_begun_is_a_mark_that_stays_one(scene: Scene, transport: GitHubTransport) -> None:
    [mention] = scene.github.of(scene.issue, ours=False)
    told = message(scene, "🚀 Starting on devbox…", kind=Kind.STATUS, command_state="QUEUED",
                   reply_to_message_id=mention.key)  # fmt: skip
    transport.send(told)
    begun = replace(told, text="🚀 Started api on devbox.", command_state="DONE", notification_id="n2")
    ids = [brought(each.send(begun)) for each in (transport, transport, made(scene))]

    assert (ids, bodies(scene)) == ([(), (), ()], [])
    assert [content for _, _, content in mention.reactions] == ["eyes", "rocket"]


@pytest.mark.parametrize(("message_id", "mark"), [("ic5", "🦄"), ("cr5", "👍"), ("5", "👍"), ("../x", "👍")])
def test_a_mark_that_github_has_not_is_refused(
    scene: Scene, transport: GitHubTransport, message_id: str, mark: str
) -> None:
    assert isinstance(transport.react(ChatRef(scene.chat()), message_id, mark), Refused)
    assert scene.github.calls() == []


def test_choices_are_taken_away(scene: Scene, transport: GitHubTransport) -> None:
    ids = brought(transport.send(message(scene, "Go on?", buttons=CHOICES)))
    transport.edit(message(scene, "", edit_message_ids=ids, notification_id="n2"))

    assert bodies(scene) == ["Go on?"]


def test_a_change_of_what_is_gone_comes_anew_and_of_work_does_not(scene: Scene, transport: GitHubTransport) -> None:
    ids = brought(transport.send(message(scene)))
    assert [transport.delete(ChatRef(scene.chat()), ids[0]) for _ in range(2)] == [True, True]
    scene.clock._now += 1
    work = transport.edit(message(scene, "Working", kind=Kind.WORK, edit_message_ids=ids, notification_id="w"))
    brought(transport.edit(message(scene, "changed", edit_message_ids=ids, notification_id="n2")))

    assert isinstance(work, Refused)
    assert not work.chat_closed
    assert bodies(scene) == ["changed"]


@pytest.mark.parametrize("chat", ["", "x", "5", "5/", "0/1", "5/1/2", "../5/1", "5/1\n"])
def test_a_chat_that_is_none_is_refused_without_a_call(scene: Scene, transport: GitHubTransport, chat: str) -> None:
    outcome = transport.send(Outgoing(ChatRef(chat), "hello"))

    assert isinstance(outcome, Refused)
    assert outcome.chat_closed
    assert scene.github.calls() == []


def test_a_chat_that_takes_nothing_is_closed(scene: Scene, transport: GitHubTransport) -> None:
    scene.issue.locked = True
    outcome = transport.send(message(scene))

    assert isinstance(outcome, Refused)
    assert outcome.chat_closed


def test_a_limit_is_told_to_the_router(scene: Scene, transport: GitHubTransport) -> None:
    brought(transport.send(message(scene)))
    before = transport.news(ChatRef(scene.chat())).pause
    scene.github.throttle().hold(90)
    outcome = transport.send(message(scene, notification_id="n2"))

    assert 0 < before <= 1
    assert isinstance(outcome, RetryLater)
    assert (outcome.after or 0) > 80
    assert transport.news(ChatRef("5/5")).pause > 80
    scene.github.world.violations.clear()  # whoever is the first to hear of it could not know


def test_a_question_on_a_public_repository_is_shown_elsewhere(scene: Scene, transport: GitHubTransport) -> None:
    scene.repository.private = False
    asked = message(scene, "May it run rm -rf?", kind=Kind.QUESTION, buttons=CHOICES)
    transport.send(asked)

    assert "rm" not in bodies(scene)[0]
