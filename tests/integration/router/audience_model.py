"""Who hears of a session, told in another way than the router's: by platforms, persons and what people did."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest

KEY = ""  # no person: the chats of the settings, and groups
DEFAULTS = ("telegram:1", "telegram:2", "mail:key@example.org")
OF_PERSONS = {"5": ("telegram:5", "mail:5@example.org"), "6": ("telegram:6", "mail:6@example.org")}
LIMITED = "6"  # sees some sessions alone
GROUP = "telegram:-7"
LET_IN = (*DEFAULTS, *(chat for theirs in OF_PERSONS.values() for chat in theirs), GROUP)


class Step(NamedTuple):
    """Something that somebody does about a session."""

    deed: str
    chat: str


def place(chat: str) -> types.ChatRef:
    transport, _, chat_id = chat.partition(":")
    return types.ChatRef(transport=transport, chat_id=chat_id)


def name(chat: types.ChatRef) -> str:
    return f"{chat.transport}:{chat.chat_id}"


def let_all_in(router: RouterUnderTest) -> None:
    """As settings, codes and a group do; nobody else is there."""
    for transport in ("telegram", "mail"):
        with router.courier(transport, *(place(chat).chat_id for chat in DEFAULTS if chat.startswith(transport))):
            pass  # what it names stays
    for person, theirs in OF_PERSONS.items():
        limit = ["seen-*"] if person == LIMITED else []
        for chat in theirs:
            made = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name=person, sessions=limit))
            asked = chat_pb.PairRequest(chat=place(chat), user_id=place(chat).chat_id, code=made.code)
            router.chat.Pair(asked)
    router.submit(place(GROUP), "/sessions")


@dataclass
class Model:
    """Of one session."""

    seen: bool  # by the person who is limited
    began: set[str] = field(default_factory=set)
    follow: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    @property
    def everybody(self) -> set[str]:
        return {chat for chat in set(LET_IN) - {GROUP} if self._may(chat)}

    @property
    def audience(self) -> set[str]:
        """Who is told of it."""
        wanted = {chat for chat in (self.began or self.everybody) | self.follow if self._may(chat)} - self.left
        return wanted or self.everybody

    @property
    def reach(self) -> set[str]:
        """Where those who are told may be asked again: there, and in what is theirs alone."""
        whose = {_whose(chat) for chat in self.audience}
        there = {place(chat).transport for chat in self.audience if _whose(chat) == KEY}
        theirs = {chat for person in whose - {KEY} for chat in OF_PERSONS[person]}
        theirs |= {chat for chat in DEFAULTS if KEY in whose and place(chat).transport not in there}
        return self.audience | (theirs - self.left)

    def do(self, step: Step) -> None:
        """As the router has to take it, where it did."""
        if step.deed == "follow":
            self.left.discard(step.chat)
            if step.chat not in self.began:
                self.follow.add(step.chat)
        if step.deed == "unfollow":
            self.left.add(step.chat)

    def _may(self, chat: str) -> bool:
        return self.seen or _whose(chat) != LIMITED


def names(chats: Iterable[types.ChatRef]) -> set[str]:
    return set(map(name, chats))


def _whose(chat: str) -> str:
    return next((person for person, theirs in OF_PERSONS.items() if chat in theirs), KEY)
