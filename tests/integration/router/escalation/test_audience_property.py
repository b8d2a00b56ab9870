"""Over random homes, follows, ladders and wishes: what is no message of a session itself reaches nobody else, either.

What goes up ladders, questions that stand in on e-mail, summaries of a day, and several ends of turns in one message.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from router.domain.command import ChatRef
from router.domain.concern import Concern
from router.services.people import audience
from tests.integration.router.audience_model import DEFAULTS, LET_IN, Model, Step, let_all_in, name, names, place
from tests.integration.router.harness import RouterUnderTest, config, fresh, serving
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_agent import session as told_of

MINUTE = 60
TELEGRAM = [chat for chat in LET_IN if chat.startswith("telegram:")]
KINDS = ("question", *(each.value for each in Concern))
UNTOLD = {"question", "failed", "ended", "machine-lost"}  # told as nothing else
LADDERS = ("1m again, 2m mail", "1h mail", "1m mail, 2m telegram", "off")
LOOKS = 14  # a minute each: a machine is lost after five, and what is not taken stands in after five more
ALL = ", ".join(each.value for each in Concern)

STEPS = st.lists(
    st.builds(Step, st.sampled_from(["follow", "unfollow"]), st.sampled_from(LET_IN)), max_size=6,
)  # fmt: skip
HOMES = st.sampled_from(["", "telegram:1", "telegram:5", "mail:5@example.org", "telegram:6", "telegram:-7"])

T = TypeVar("T")
Two = tuple[T, T]


class World(NamedTuple):
    """A session and its machine, and who hears of it."""

    agent: ThinAgent
    session: str
    label: str
    model: Model


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterUnderTest]:
    folder: Path = tmp_path_factory.mktemp("audience")
    with serving(config(folder)) as router:
        let_all_in(router)
        yield router


def begin(router: RouterUnderTest, seen: bool, home: str, steps: list[Step], agent: ThinAgent | None = None) -> World:
    """A session that was begun there, and what people did about it."""
    label = f"{fresh('seen' if seen else 'other')}-"
    agent = agent or router.machine()
    session = router.session(agent, label)
    world = World(agent, session, label, Model(seen, {home} - {""}))
    if home:
        chat = place(home)
        router.write(lambda tx: audience.began(tx, session, ChatRef(chat.transport, chat.chat_id)))
    people_do(router, world, steps)
    return world


def people_do(router: RouterUnderTest, world: World, steps: list[Step]) -> None:
    for step in steps:
        change = {
            "follow": (router.control.Follow, pb.FollowRequest),
            "unfollow": (router.control.Unfollow, pb.UnfollowRequest),
        }
        call, kind = change[step.deed]
        try:
            call(kind(session_id=world.session, chats=[place(step.chat)]))
        except grpc.RpcError:
            continue
        world.model.do(step)


def over(router: RouterUnderTest, world: World) -> None:
    """What the router has to say of it does not fill the next story."""
    for asked in router.control.ListPermissions(pb.ListPermissionsRequest(session_id=world.session)).permissions:
        chosen = pb.RespondPermissionRequest(
            permission_id=asked.permission_id,
            input_digest=asked.input_digest,
            option_id=asked.options[0].option_id,
            text="left" if asked.options[0].takes_text else "",
        )
        router.control.RespondPermission(chosen)
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=world.session))


def wanting(router: RouterUnderTest, ladder: str = "", concerns: str = ALL) -> None:
    """All people want to hear of such things, by this ladder."""
    there = [each.person_id for each in router.control.ListPeople(pb.ListPeopleRequest()).people]
    for person_id in {"", *there}:
        router.control.SetLadder(pb.SetLadderRequest(person_id=person_id, ladder=ladder, concerns=concerns))


def happens(router: RouterUnderTest, world: World, kind: str, beside: tuple[World, ...] = ()) -> None:
    """One session comes to this; `beside` are others of its machine."""
    session, label = world.session, world.label
    if kind == "question":
        router.control.Ask(pb.AskRequest(session_id=session, text=f"Which way, {label}?"))
        return
    command = router.send(session, f"secret of {label}") if kind == "failed" else None
    there = [told_of(each.session, label=each.label) for each in (world, *beside)]
    with world.agent.connected(sessions=there) as link:
        match kind:
            case "failed":
                assert command
                link.commands(1)
                link.receipt(command.command_id)
                bad = {"outcome": link_pb.RESULT_OUTCOME_FAILED, "reason": types.REASON_TARGET_GONE}
                link.result(1, command.command_id, **bad)
            case "limited":
                until = {"seconds": int(router.time.now()) + 2 * 3600}
                link.frame(session_update=told_of(session, upstream_seq=1, label=label, limited_until=until))
            case "ended":
                link.frame(session_closed=link_pb.SessionClosed(upstream_seq=1, session_id=session, generation=1))
            case "finished" | "said":
                note = link_pb.Notify(
                    upstream_seq=1, notification_id=fresh("n"), session_id=session, text=f"words of {label}",
                    ends_turn=kind == "finished",
                )  # fmt: skip
                link.frame(notify=note)
        if kind != "machine-lost":
            link.acked(1)


def where(told: Iterable[types.Notification]) -> set[str]:
    return names(note.chat for note in told)


def about(router: RouterUnderTest, world: World) -> list[types.Notification]:
    """What speaks of a session, wherever it stands, without what answers somebody."""
    found = router.control.ListNotifications(pb.ListNotificationsRequest(limit=1000, without_receipts=True))
    return [
        note for note in found.notifications if note.session_id == world.session or world.label in note.text
    ]  # fmt: skip


# Who heard of it and does not any more, before their time has come.
GONE = [Step("follow", "telegram:1"), Step("unfollow", "telegram:5")]
# Both are heard of in one chat, and one of them is not to be told of by mail later.
ONE_CHAT = ("telegram:1", "telegram:1")
NOT_BY_MAIL = [Step("unfollow", "mail:key@example.org")]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seen=st.tuples(st.booleans(), st.booleans()),
    homes=st.tuples(HOMES, HOMES),
    steps=st.tuples(STEPS, STEPS),
    then=STEPS,
    ladder=st.sampled_from(LADDERS),
)
@example(seen=(False, False), homes=ONE_CHAT, steps=([], NOT_BY_MAIL), then=[], ladder="1m again, 2m mail")
@example(seen=(True, True), homes=("telegram:5", ""), steps=([], []), then=GONE, ladder="1m again, 2m mail")
@example(seen=(True, False), homes=("telegram:5", "telegram:1"), steps=([], []), then=[], ladder="1m again, 2m mail")
def test_what_goes_up_ladders_reaches_those_who_hear_where_they_are_alone(
    router: RouterUnderTest,
    seen: Two[bool],
    homes: Two[str],
    steps: Two[list[Step]],
    then: list[Step],
    kind: str,
    ladder: str,
) -> None:
    agent = router.machine()
    worlds = [begin(router, *each, agent) for each in zip(seen, homes, steps, strict=True)]
    wanting(router, ladder)
    happens(router, worlds[0], kind, (worlds[1],))
    before = [about(router, world) for world in worlds]
    reached = [world.model.reach for world in worlds]
    people_do(router, worlds[0], then)
    for _ in range(LOOKS):  # no courier is there: what stands in for it does so
        router.advance(MINUTE + 1)
        router.settle()
    told = [about(router, world) for world in worlds]
    for world in worlds:
        over(router, world)

    assert all(where(each) <= there for each, there in zip(before, reached, strict=True))
    for world, old, new in zip(worlds, before, told, strict=True):
        known = {note.notification_id for note in old}
        assert where(note for note in new if note.notification_id not in known) <= world.model.reach
    # No ladder is silent: who hears is told, and what a ladder names was told there, too.
    model, everywhere = worlds[0].model, where(told[0])
    if not then and (ladder.startswith("1m") or (ladder == "1h mail" and kind in UNTOLD)):
        assert model.audience | {chat for chat in model.reach if place(chat).transport in ladder} <= everywhere


def summarised(router: RouterUnderTest) -> None:
    """A summary came to each chat."""
    at = datetime.fromtimestamp(router.time.now() + 2 * MINUTE, UTC)
    for chat in LET_IN:
        router.control.SetSummary(pb.SetSummaryRequest(chat=place(chat), at=f"{at:%H:%M}"))
    router.advance(3 * MINUTE)
    router.settle()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=st.booleans(), home=HOMES, steps=STEPS)
def test_a_summary_tells_of_what_its_chat_hears_of(
    router: RouterUnderTest, seen: bool, home: str, steps: list[Step]
) -> None:
    world = begin(router, seen, home, steps)
    summarised(router)
    told = about(router, world)
    over(router, world)

    assert where(told) == world.model.audience


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=st.tuples(st.booleans(), st.booleans()), homes=st.tuples(HOMES, HOMES), steps=st.tuples(STEPS, STEPS))
def test_what_comes_together_is_what_its_chat_hears_of(
    router: RouterUnderTest, seen: Two[bool], homes: Two[str], steps: Two[list[Step]]
) -> None:
    for chat in TELEGRAM:
        router.control.SetChat(pb.SetChatRequest(chat=place(chat), bundles="on"))
    worlds = [begin(router, *each) for each in zip(seen, homes, steps, strict=True)]
    wanting(router, concerns="none")
    for world in worlds:
        happens(router, world, "finished")
    router.advance(MINUTE + 1)
    came = drained(router, worlds)

    heard = [{chat for chat, text in came if world.label in text} for world in worlds]
    assert heard == [world.model.audience & set(TELEGRAM) for world in worlds]


def drained(router: RouterUnderTest, worlds: list[World]) -> list[tuple[str, str]]:
    """Where what comes that waits for Telegram."""
    came = []
    with router.courier("telegram", *(place(chat).chat_id for chat in TELEGRAM if chat in DEFAULTS)) as courier:
        while any(is_waiting(note) for world in worlds for note in router.notifications(world.session)):
            delivery = courier.brought(fresh("m"))
            router.reported(delivery)
            came.append((name(delivery.notification.chat), delivery.notification.text))
    return came


def is_waiting(note: types.Notification) -> bool:
    return note.chat.transport == "telegram" and note.state in {
        types.NOTIFICATION_STATE_QUEUED,
        types.NOTIFICATION_STATE_SENT,
    }
