"""Who is let in: persons, with their chats and browsers."""

from collections.abc import Sequence
from dataclasses import asdict

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2

from pointsman.client import convert
from pointsman.client.calls import Calls, request_id
from pointsman.client.people_records import ChatSettings, Ladder, NewPairingCode, PairedChat, Person, PersonRole
from pointsman.client.records import Chat


class People(Calls):
    """Every method raises RouterError."""

    def create_pairing_code(
        self,
        name: str = "",
        role: PersonRole = PersonRole.OPERATOR,
        machines: Sequence[str] = (),
        sessions: Sequence[str] = (),
    ) -> NewPairingCode:
        """Lets one person in, once; one of that name gets a further chat or browser. Patterns have * and ?."""
        asked = pb.CreatePairingCodeRequest(
            person_name=name, role=types_pb2.PersonRole.Value(f"PERSON_ROLE_{role.name}"), machines=machines,
            sessions=sessions,
        )  # fmt: skip
        return convert.read(NewPairingCode, self._call(self._stub.CreatePairingCode, asked))

    def people(self) -> list[Person]:
        """All persons who were let in, by name; first, without an id, whoever has the key."""
        return convert.read_all(Person, self._call(self._stub.ListPeople, pb.ListPeopleRequest()).people)

    def give_second_factor(self, person_id: str) -> str:
        """Give a person a second factor, in place of one they have; the address for their authenticator app."""
        return self._call(self._stub.SetSecondFactor, pb.SetSecondFactorRequest(person_id=person_id)).address

    def remove_second_factor(self, person_id: str) -> None:
        """Take it away."""
        self._call(self._stub.SetSecondFactor, pb.SetSecondFactorRequest(person_id=person_id, remove=True))

    def let_passkey_be_added(self, person_id: str, origin: str) -> NewPairingCode:
        """A code with which a person adds a passkey at the console, whose page is opened at this origin."""
        request = pb.SetPasskeyRequest(person_id=person_id, origin=origin)
        return convert.read(NewPairingCode, self._call(self._stub.SetPasskey, request))

    def remove_passkeys(self, person_id: str) -> None:
        """Take all of a person's away."""
        self._call(self._stub.SetPasskey, pb.SetPasskeyRequest(person_id=person_id, remove=True))

    def join_people(self, person_id: str, other_person_id: str) -> Person:
        """Make one of two who are the same: the first, with the chats and browsers of both."""
        asked = pb.JoinPeopleRequest(person_id=person_id, other_person_id=other_person_id)
        return convert.read(Person, self._call(self._stub.JoinPeople, asked).person)

    def ladder(self, person_id: str = "", wanted: str = "", concerns: str = "", *, login_id: str = "") -> Ladder:
        """How a person is asked again, and about what beside questions: set where given; "" for who has the key.

        `login_id` is for the adapter: whoever is at that browser.
        """
        asked = pb.SetLadderRequest(person_id=person_id, ladder=wanted, concerns=concerns, login_id=login_id)
        return convert.read(Ladder, self._call(self._stub.SetLadder, asked))

    def chat_settings(
        self, chat: Chat, wanted: ChatSettings | None = None, *, request: str | None = None
    ) -> ChatSettings:
        """How a chat wants to be treated; what of `wanted` is not empty is set before."""
        # The record has the request's own names: what a router of tomorrow takes beside them is not ours to set.
        asked = pb.SetChatRequest(
            chat=convert.chat_ref(chat), request_id=request_id(request), **asdict(wanted or ChatSettings())
        )
        return convert.read(ChatSettings, self._call(self._stub.SetChat, asked))

    def unpair(self, identity: str) -> tuple[int, int]:
        """Put a person out with all of theirs, or a browser, by its id; how many chats and browsers ended."""
        ended = self._call(self._stub.Unpair, pb.UnpairRequest(id=identity))
        return ended.chats, ended.browsers

    def unpair_chat(self, paired: PairedChat) -> None:
        """Let somebody write in a chat no more."""
        chat = paired.chat
        self._call(
            self._stub.Unpair, pb.UnpairRequest(id=chat.chat_id, transport=chat.transport, user_id=paired.user_id)
        )
