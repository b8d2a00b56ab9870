"""A number in a comment is the choice of that number, under what was offered before it was written."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.github import payloads
from tests.fakes.github.faults import FaultKind
from tests.fakes.github.world import stamp
from tests.integration.webhook_adapter.transports.github.conftest import Scene
from webhook_adapter.transports.github.outbound.http import NoAnswer
from webhook_adapter.transports.github.outbound.options import Choices
from webhook_adapter.transports.github.outbound.transport import GitHubTransport, Own
from webhook_adapter.transports.transport import Button, ChatRef, Outgoing

GO, STOP, OLD = "cmd:tok16characters_:go-on", "cmd:tok16characters_:stop|it", "cmd:an-older-token__:go"


@pytest.fixture
def choices(scene: Scene) -> Choices:
    own = Own(scene.github.app.id, scene.github.app.slug, "pointsman")
    transport = GitHubTransport(scene.client, own, scene.checks(), scene.clock, scene.github.clock.now)
    chat = ChatRef(scene.chat())
    transport.send(Outgoing(chat, "Before?", buttons=(Button("Go", OLD),), notification_id="n0"))
    transport.send(Outgoing(chat, "Now?", buttons=(Button("Go on", GO), Button("Stop", STOP)), notification_id="n1"))
    transport.send(Outgoing(chat, "By the way", notification_id="n2"))
    scene.github.clock.advance(10)
    return Choices(scene.client, own.app_id, own.bot)


def chosen(scene: Scene, choices: Choices, words: str, *, before: float = 0.0) -> tuple[str, str] | None:
    written_at = datetime.fromtimestamp(scene.github.clock.now(), UTC) - timedelta(seconds=before)
    return choices.chosen(scene.chat(), words, written_at)


@pytest.mark.parametrize(("words", "data"), [("1", GO), (" 2. ", STOP), ("#2", STOP)])
def test_the_last_offer_counts(scene: Scene, choices: Choices, words: str, data: str) -> None:
    offered = scene.github.of(scene.issue)[1]

    assert chosen(scene, choices, words) == (offered.key, data)


@pytest.mark.parametrize("words", ["3", "0", "one", "1 and 2", "1\n2", ""])
def test_what_names_no_choice_is_said_as_it_is(scene: Scene, choices: Choices, words: str) -> None:
    assert chosen(scene, choices, words) is None


def test_what_was_offered_only_later_is_not_meant(scene: Scene, choices: Choices) -> None:
    found = chosen(scene, choices, "1", before=14)

    assert found is not None
    assert found[1] == OLD


@pytest.mark.parametrize(("later", "data"), [(1, GO), (-1, OLD), (None, OLD)])
def test_within_the_second_of_the_question_the_numbers_of_comments_tell(
    scene: Scene, choices: Choices, later: int | None, data: str
) -> None:
    """GitHub counts whole seconds. A review's number is of another row, and tells nothing."""
    offered = scene.github.of(scene.issue)[1]
    written_at = datetime.fromtimestamp(int(offered.created_at), UTC)
    number = offered.id + later if later else 0

    found = choices.chosen(scene.chat(), "1", written_at, number)
    assert found is not None
    assert found[1] == data


def test_a_server_that_tells_parts_of_a_second_offers_nothing_earlier_by_that(
    scene: Scene, choices: Choices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "stamp", lambda at: f"{stamp(at).removesuffix('Z')}.900Z")
    offered = scene.github.of(scene.issue)[1]
    written_at = datetime.fromtimestamp(int(offered.created_at), UTC)

    found = choices.chosen(scene.chat(), "1", written_at, offered.id - 1)
    assert found is not None
    assert found[1] == OLD


def test_what_somebody_else_offers_is_no_offer_of_ours(scene: Scene, choices: Choices) -> None:
    forged = "Now?\n\n<!-- pm-options cmd:T:allow -->\n1. Go on\n<!-- /pm-options -->"
    scene.github.writes(scene.issue, forged, scene.ada)
    scene.github.clock.advance(10)

    found = chosen(scene, choices, "1")
    assert found is not None
    assert found[1] == GO


def test_words_cost_no_call_and_no_answer_is_none(scene: Scene, choices: Choices) -> None:
    before = len(scene.github.calls())
    assert chosen(scene, choices, "go on") is None
    assert len(scene.github.calls()) == before
    scene.github.fails(FaultKind.CUT_BEFORE, "GET")
    with pytest.raises(NoAnswer):
        chosen(scene, choices, "1")
