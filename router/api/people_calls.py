"""ChatLink: who wrote and is not known, who comes with a code, and browsers at the console."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from agentlink.v1 import chat_link_pb2 as chat_pb

from router.api.convert.chats import chat_ref, stranger
from router.api.convert.people import PERSON_ROLES
from router.api.convert.submissions import checked_credential
from router.api.convert.times import seconds
from router.api.handlers import Call
from router.domain.command import ChatRef
from router.domain.person import Person
from router.domain.stranger import Stranger
from router.services.concerns import Concerns
from router.services.people.browsers import Browsers, Shown
from router.services.people.pairing import Pairing
from router.services.people.persons import Persons
from router.services.people.second_factor import SecondFactors
from router.services.people.subscriptions import Subscriptions
from router.services.permissions import Permissions
from router.store import people, strangers
from router.store.database import Database, Transaction

MOST, WITHIN = 100, 60.0  # notes of strangers, and seconds


@dataclass(frozen=True, slots=True)
class PeopleServices:
    """What these calls need of the house."""

    browsers: Browsers
    pairing: Pairing
    persons: Persons
    second_factors: SecondFactors
    subscriptions: Subscriptions


class PeopleCalls:
    """What adapters ask about people."""

    def __init__(
        self,
        database: Database,
        services: PeopleServices,
        permissions: Permissions,
        concerns: Concerns,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._people = services
        self._permissions = permissions
        self._concerns = concerns
        self._now = now
        self._noted_at: deque[float] = deque(maxlen=MOST)  # on the writer's thread

    async def ReportStranger(
        self, request: chat_pb.ReportStrangerRequest, _call: Call
    ) -> chat_pb.ReportStrangerResponse:
        who = stranger(request.stranger)
        is_new = await self._database.write(lambda tx: self._noted(tx, who))
        return chat_pb.ReportStrangerResponse(is_new=bool(is_new), is_paired=is_new is None)

    async def Pair(self, request: chat_pb.PairRequest, call: Call) -> chat_pb.PairResponse:
        r, place, caller = request, chat_ref(request.chat), call.caller()
        chat = ChatRef(place.transport, place.chat_id)

        def pair(tx: Transaction) -> Person:
            tx.caller = caller
            return self._people.pairing.pair(tx, chat, r.user_id, r.user_name, r.code)

        return chat_pb.PairResponse(person_name=(await self._database.write(pair)).name)

    async def OpenBrowser(self, request: chat_pb.OpenBrowserRequest, call: Call) -> chat_pb.OpenBrowserResponse:
        r, lifetime, shown = request, seconds(request.lifetime), Shown(request.link_id, request.code)
        await self._database.write(
            lambda tx: self._people.browsers.open(tx, r.login_id, lifetime, shown, r.label, call.caller())
        )
        return chat_pb.OpenBrowserResponse()

    async def GetBrowser(self, request: chat_pb.GetBrowserRequest, _call: Call) -> chat_pb.GetBrowserResponse:
        seen = await self._database.read(lambda c: self._people.browsers.look(c, request.login_id))
        told = chat_pb.GetBrowserResponse(is_open=seen.is_open, is_known=seen.is_known)
        if seen.person is not None:
            told.person_name, told.role = seen.person.name, PERSON_ROLES[seen.person.role]
        return told

    async def CloseBrowser(self, request: chat_pb.CloseBrowserRequest, call: Call) -> chat_pb.CloseBrowserResponse:
        await self._database.write(lambda tx: self._people.browsers.close(tx, request.login_id, call.caller()))
        return chat_pb.CloseBrowserResponse()

    async def MarkRead(self, request: chat_pb.MarkReadRequest, _call: Call) -> chat_pb.MarkReadResponse:
        login_id, mark = request.login_id, request.mark

        def read(tx: Transaction) -> None:
            person = self._people.browsers.read(tx, login_id, mark.session_id, mark.notification_id)
            self._concerns.read(tx, person, mark.session_id, mark.notification_id)

        await self._database.write(read)
        return chat_pb.MarkReadResponse()

    async def ListRead(self, request: chat_pb.ListReadRequest, _call: Call) -> chat_pb.ListReadResponse:
        marks = await self._database.read(lambda c: self._people.browsers.read_marks(c, request.login_id))
        told = [chat_pb.ReadMark(session_id=one, notification_id=newest) for one, newest in marks.items()]
        return chat_pb.ListReadResponse(marks=told)

    async def BeginPasskey(self, request: chat_pb.BeginPasskeyRequest, call: Call) -> chat_pb.BeginPasskeyResponse:
        r, caller = request, call.caller()

        def begin(tx: Transaction) -> str:
            tx.caller = caller
            if r.notification_id:
                return self._permissions.begin_proof(tx, r.login_id, r.notification_id)
            return self._people.second_factors.passkeys.begin_adding(tx, r.login_id, r.code)

        return chat_pb.BeginPasskeyResponse(options=await self._database.write(begin))

    async def AddPasskey(self, request: chat_pb.AddPasskeyRequest, call: Call) -> chat_pb.AddPasskeyResponse:
        r, caller, credential = request, call.caller(), checked_credential(request.credential)

        def add(tx: Transaction) -> None:
            tx.caller = caller
            self._people.second_factors.passkeys.add(tx, r.login_id, r.code, credential)

        await self._database.write(add)
        return chat_pb.AddPasskeyResponse()

    def _noted(self, tx: Transaction, who: Stranger) -> bool | None:
        """Whether a stranger is new; None for somebody who was let in."""
        if people.paired(tx, who.chat, who.user_id):
            return None
        now = self._now()
        # Of a crowd the rest is no news, and writes nothing.
        if len(self._noted_at) == MOST and 0 <= now - self._noted_at[0] < WITHIN:
            return False
        self._noted_at.append(now)
        return strangers.note(tx, who, now)
