"""That a question still waits is said in its own comment, and in no other."""

from dataclasses import replace
from typing import Any

import pytest

from tests.integration.webhook_adapter.transports.github.conftest import Scene
from tests.integration.webhook_adapter.transports.github.test_transport import (
    CHOICES,
    bodies,
    brought,
    is_honest,
    made,
    message,
    transport,
)
from webhook_adapter.transports.github.outbound.text import choices
from webhook_adapter.transports.github.outbound.transport import GitHubTransport
from webhook_adapter.transports.transport import Kind, Outgoing

__all__ = ["is_honest", "transport"]  # fixtures

ASKS = "🔐 May it use Bash?\n\n```\nrm -r /srv\n```"
STILL = "⏳ Still open since 14:05 (2 days):\n\n" + ASKS


def question(scene: Scene, said: str = ASKS, **more: Any) -> Outgoing:
    return message(scene, said, **{"kind": Kind.QUESTION, "buttons": CHOICES, "session_id": "s1"} | more)


def reminder(scene: Scene, asked: str, number: int = 0, **more: Any) -> Outgoing:
    return question(scene, STILL.replace("2 days", f"{number} days"), reply_to_message_id=asked,
                    notification_id=f"r{number}", **more)  # fmt: skip


def test_it_stands_in_the_comment_of_the_question_until_that_is_over(scene: Scene, transport: GitHubTransport) -> None:
    [asked] = brought(transport.send(question(scene)))
    before = scene.github.of(scene.issue)[0].body
    said = [brought(each.send(reminder(scene, asked, day))) for day, each in enumerate([transport, made(scene)], 2)]
    [shown] = bodies(scene)
    offered = choices(scene.github.of(scene.issue)[0].body)
    transport.edit(question(scene, "Allowed by ada", buttons=(), edit_message_ids=(asked,), notification_id="a"))
    for ids in said:
        over = question(scene, "Allowed by ada", buttons=(), edit_message_ids=ids, notification_id="b")
        assert brought(transport.edit(over)) == ids

    assert said == [(f"line:{asked}",)] * 2
    assert shown.count("Still open since 14:05 (3 days)\n") == shown.count("Still open") == shown.count("rm -r") == 1
    assert offered == choices(before) == [each.data for each in CHOICES]
    assert bodies(scene) == ["Allowed by ada"]
    assert scene.github.judge() == []


def test_a_question_of_several_comments_stays_whole(scene: Scene, transport: GitHubTransport) -> None:
    asked = brought(transport.send(question(scene, "word " * 15_000)))
    before = [each.body for each in scene.github.of(scene.issue)]
    said = brought(transport.send(reminder(scene, asked[0], 2, buttons=())))
    first = scene.github.of(scene.issue)[0].body
    transport.edit(question(scene, "Over", buttons=(), edit_message_ids=said, notification_id="b"))

    assert len(asked) == len(before) == 2
    assert "Still open since 14:05" in first
    assert first.endswith(before[0].partition("<!-- /pm-asks -->")[2])
    assert [each.body for each in scene.github.of(scene.issue)][1] == before[1]
    assert "Still open" not in scene.github.of(scene.issue)[0].body


def test_in_public_it_says_since_when_and_nothing_of_what_is_asked(scene: Scene, transport: GitHubTransport) -> None:
    scene.repository.private = False
    [asked] = brought(transport.send(question(scene)))
    brought(transport.send(reminder(scene, asked, 2)))

    [shown] = bodies(scene)
    assert "Still open since" in shown
    assert "rm" not in shown


@pytest.mark.parametrize("whose", ["gone", "theirs", "no question"])
def test_where_the_question_does_not_stand_it_is_asked_there_again(
    scene: Scene, transport: GitHubTransport, whose: str
) -> None:
    [asked] = brought(transport.send(question(scene)))
    if whose == "gone":
        transport.delete(question(scene).chat, asked)
    elif whose == "theirs":
        body = scene.github.of(scene.issue)[0].body
        asked = scene.github.writes(scene.issue, body, scene.ada).key
    else:
        transport.edit(replace(question(scene, "done", buttons=()), edit_message_ids=(asked,)))
    before = {each.key: each.body for each in scene.github.of(scene.issue, ours=False)}
    [again] = brought(transport.send(reminder(scene, asked, 2)))

    assert again != asked
    assert "Still open" in next(each.body for each in scene.github.of(scene.issue) if each.key == again)
    assert {each.key: each.body for each in scene.github.of(scene.issue, ours=False) if each.key != again} == before
