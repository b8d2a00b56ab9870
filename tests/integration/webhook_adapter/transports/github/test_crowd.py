"""Hundreds of pull requests at once: limits are kept, and everybody is served, the urgent first, then by age."""

import threading
from dataclasses import dataclass

from pointsman.client.records import Chat, Session, SessionState
from tests.fakes.github.world import Issue
from tests.integration.webhook_adapter.transports.github.conftest import Scene
from webhook_adapter.transports.github.outbound.check_watch import CheckWatch
from webhook_adapter.transports.github.outbound.checks import Checks
from webhook_adapter.transports.github.outbound.transport import GitHubTransport, Own
from webhook_adapter.transports.transport import Button, ChatRef, Delivered, Kind, Outgoing, RetryLater

PULLS = 300
CHOICES = (Button("Allow", "cmd:tok16characters_:allow"), Button("Deny", "cmd:tok16characters_:deny"))


@dataclass
class Waiting:
    """A message in the router's outbox, which has the urgent before others, and the older before the younger."""

    message: Outgoing
    number: int
    comes_at: float
    not_before: float = 0.0
    done_at: float = 0.0

    @property
    def rank(self) -> tuple[bool, int]:
        return (self.message.kind is not Kind.QUESTION, self.number)


def messages(scene: Scene, pull: Issue, number: int) -> list[Waiting]:
    """What one pull request makes: a mark at once, an answer, and of some a question."""
    comes, chat = number * 60 / PULLS, ChatRef(scene.chat(pull))
    session = f"{number:08d}-0000"
    [mention] = scene.github.of(pull, ours=False)
    taken = Outgoing(chat, "Queued", kind=Kind.STATUS, command_state="QUEUED", reply_to_message_id=mention.key,
                     session_id=session, notification_id=f"taken-{number}")  # fmt: skip
    answer = Outgoing(chat, "It turns.", session_id=session, notification_id=f"answer-{number}")
    asked = Outgoing(chat, "May it?", kind=Kind.QUESTION, buttons=CHOICES, session_id=session,
                     notification_id=f"asked-{number}")  # fmt: skip
    found = [Waiting(taken, number, comes), Waiting(answer, number, comes)]
    return [*found, Waiting(asked, number, comes)] if number % 15 == 0 else found


def serve(scene: Scene, transport: GitHubTransport, outbox: list[Waiting]) -> list[Waiting]:
    """Bring all of it as the router has it brought; in the order in which it was."""
    done: list[Waiting] = []
    while outbox:
        now = scene.clock.monotonic()
        ready = [each for each in outbox if max(each.comes_at, each.not_before) <= now]
        if not ready:
            _pass(scene, min(max(each.comes_at, each.not_before) for each in outbox) - now)
            continue
        first = min(ready, key=lambda each: each.rank)
        outcome = transport.send(first.message)
        if isinstance(outcome, RetryLater):
            first.not_before = scene.clock.monotonic() + (outcome.after or 1.0)
        else:
            assert isinstance(outcome, Delivered), outcome
            outbox.remove(first)
            first.done_at = scene.clock.monotonic()
            done.append(first)
        _pass(scene, transport.news(first.message.chat).pause)
    return done


def _pass(scene: Scene, seconds: float) -> None:
    if seconds > 0:
        scene.clock.wait(threading.Condition(), seconds)


def test_a_crowd_is_served_within_the_limits(scene: Scene) -> None:
    world = scene.github.world
    scene.github.events.hold()
    pulls = [world.add_pull(scene.repository, f"Number {number}") for number in range(PULLS)]
    for pull in pulls:
        world.add_comment(pull, "@pointsman look", scene.ada)
    outbox = [each for number, pull in enumerate(pulls) for each in messages(scene, pull, number)]
    own, checks = Own(scene.github.app.id, scene.github.app.slug, "pointsman"), scene.checks()
    transport = GitHubTransport(scene.client, own, checks, scene.clock, scene.github.clock.now)

    done = serve(scene, transport, outbox)

    # What was too much beside the answers is shown by and by.
    for _ in range(2):
        _pass(scene, 3700)
        watching(scene, checks, pulls).look()

    assert scene.github.judge() == []
    assert len(scene.github.runs()) == PULLS
    for kind in (Kind.QUESTION, Kind.PROGRESS):
        served = [each.number for each in done if each.message.kind is kind]
        assert served == sorted(served)
    questions = [each for each in done if each.message.kind is Kind.QUESTION]
    assert len(questions) == len(range(0, PULLS, 15))
    # A question waits for what is on its way, and for nothing else.
    assert max(each.done_at - each.comes_at for each in questions) < 60


def watching(scene: Scene, checks: Checks, pulls: list[Issue]) -> CheckWatch:
    sessions = [
        Session(f"{number:08d}-0000", "devbox", "api", "claude", "/", SessionState.BUSY, 1, True, None, None,
                home=(Chat("github", scene.chat(pull)),))
        for number, pull in enumerate(pulls)
    ]  # fmt: skip
    return CheckWatch(checks, lambda _ended: sessions, scene.clock)
