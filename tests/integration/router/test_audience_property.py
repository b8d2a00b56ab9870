"""Over random homes, follows, mutes, persons and hostile targets: nothing reaches a chat outside the audience."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.domain.audience import Hearing
from router.domain.command import ChatRef
from router.services.people import audience
from tests.integration.router.harness import RouterUnderTest, config, serving

PLATFORM = "telegram"
DEFAULTS, PERSONS, GROUPS = ("1", "2"), {"5": ["*"], "6": ["seen-*"]}, ("-7",)
STRANGERS = ("666", "7777")
SAID = ("said", "to one", "last")
MINUTE = 60
LET_IN = (*DEFAULTS, *PERSONS, *GROUPS)


class Step(NamedTuple):
    """Something that somebody does about the session."""

    deed: str
    chat: str


@dataclass
class Model:
    """Who hears of one session, told in another way than the router's."""

    seen: bool  # by the person who is limited
    began: set[str] = field(default_factory=set)
    follow: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    def may(self, chat: str) -> bool:
        return chat != "6" or self.seen

    @property
    def everybody(self) -> set[str]:
        return {chat for chat in (*DEFAULTS, *PERSONS) if self.may(chat)}

    @property
    def audience(self) -> set[str]:
        at_home = self.began or self.everybody
        wanted = {chat for chat in at_home | self.follow if self.may(chat)} - self.left
        return wanted or self.everybody

    def do(self, step: Step) -> None:
        """As the router has to take it, where it did."""
        if step.deed == "follow":
            self.left.discard(step.chat)
            if step.chat not in self.began:
                self.follow.add(step.chat)
        if step.deed == "unfollow":
            self.left.add(step.chat)


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["follow", "unfollow", "mute", "notify", "named", "ask", "command"]),
        st.sampled_from([*LET_IN, *STRANGERS]),
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterUnderTest]:
    folder: Path = tmp_path_factory.mktemp("audience")
    with serving(config(folder)) as router:
        with router.courier(PLATFORM, *DEFAULTS):
            pass  # what it names stays
        for chat, sessions in PERSONS.items():
            limit = [] if sessions == ["*"] else sessions
            made = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name=chat, sessions=limit))
            router.chat.Pair(chat_pb.PairRequest(chat=place(chat), user_id=chat, code=made.code))
        for chat in GROUPS:
            router.submit(place(chat), "/sessions")
        for chat in STRANGERS:
            told = types.Stranger(chat=place(chat), user_id=chat)
            router.chat.ReportStranger(chat_pb.ReportStrangerRequest(stranger=told))
        for person in router.control.ListPeople(pb.ListPeopleRequest()).people:
            asked = pb.SetLadderRequest(person_id=person.person_id, ladder="1m again", concerns="said")
            router.control.SetLadder(asked)
        yield router


def place(chat: str) -> types.ChatRef:
    return types.ChatRef(transport=PLATFORM, chat_id=chat)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=st.booleans(), home=st.sampled_from(["", "1", "5", "6", "-7"]), steps=STEPS)
def test_nothing_reaches_a_chat_outside_the_audience(
    router: RouterUnderTest, seen: bool, home: str, steps: list[Step]
) -> None:
    session = router.session(router.machine(), "seen-one" if seen else "other")
    model = Model(seen, {home} - {""})
    if home:
        router.write(lambda tx: audience.began(tx, session, ChatRef(PLATFORM, home)))
    for step in steps:
        before = {note.notification_id for note in shown(router, session)}
        if act(router, session, step):
            model.do(step)
        new = [note for note in shown(router, session) if note.notification_id not in before]

        assert {note.chat.chat_id for note in new} <= model.audience
        # Whoever is told by name alone is told alone; else all of them are.
        assert not new or step.deed == "named" or {note.chat.chat_id for note in new} == model.audience
    # What nobody has seen goes up the ladders of those who hear of it now, and of nobody else.
    before = {note.notification_id for note in shown(router, session)}
    router.advance(MINUTE + 1)
    router.settle()
    again = [note for note in shown(router, session) if note.notification_id not in before]
    assert {note.chat.chat_id for note in again} <= model.audience
    assert {chat.chat_id for chat in heard(router, session)} == model.audience


def act(router: RouterUnderTest, session: str, step: Step) -> bool:
    """Whether it was done."""
    chat = place(step.chat)
    try:
        match step.deed:
            case "follow":
                router.control.Follow(pb.FollowRequest(session_id=session, chats=[chat]))
            case "unfollow":
                router.control.Unfollow(pb.UnfollowRequest(session_id=session, chats=[chat]))
            case "mute":
                who = {"user_id": step.chat, "needs_pairing": step.chat not in (*DEFAULTS, *GROUPS)}
                router.submit(chat, f"/use {session}", **who)
                router.submit(chat, "/mute", **who)
            case "notify":
                router.control.Notify(pb.NotifyRequest(session_id=session, text="said"))
            case "named":
                router.control.Notify(pb.NotifyRequest(session_id=session, text="to one", targets=[chat]))
            case "ask":
                router.control.Ask(pb.AskRequest(session_id=session, text="Which way?"))
            case "command":
                router.send(session, "secret", origin=types.Origin(source="cli", chat=chat))
    except grpc.RpcError:
        return False
    return True


def shown(router: RouterUnderTest, session: str) -> list[types.Notification]:
    """What tells people of the session, without what answers them."""
    found = router.control.ListNotifications(
        pb.ListNotificationsRequest(session_id=session, limit=1000, without_receipts=True)
    ).notifications
    return [note for note in found if note.permission_id or note.text in SAID]


def heard(router: RouterUnderTest, session: str) -> list[types.ChatRef]:
    """Who hears of it in the end: following again what follows changes nothing."""
    home = next(
        each.home for each in router.control.ListSessions(pb.ListSessionsRequest()).sessions
        if each.session_id == session
    )  # fmt: skip
    again = [chat for chat in home if chat.chat_id not in STRANGERS][:1]
    if not again:
        sent = router.control.Notify(pb.NotifyRequest(session_id=session, text="last")).notifications
        return [note.chat for note in sent]
    return list(router.control.Follow(pb.FollowRequest(session_id=session, chats=again)).audience)


def test_the_model_knows_every_way_to_hear() -> None:
    assert {each.value for each in Hearing} == {"began", "follows", "left", "gone"}
