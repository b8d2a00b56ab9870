"""Control: persons who are let in by a code, and put out."""

from agentlink.v1 import control_pb2 as pb

from router.api.control.part import Part
from router.api.convert.people import PERSON_ROLES_BY_NUMBER, person_message
from router.api.convert.times import timestamp
from router.api.handlers import Call
from router.domain.command import ChatRef
from router.domain.credentials import Role
from router.domain.errors import Reason, Refusal
from router.domain.person import PersonRole
from router.services import escalations
from router.store.database import Transaction


class PeoplePart(Part):
    """What may be asked of people."""

    async def CreatePairingCode(self, request: pb.CreatePairingCodeRequest, call: Call) -> pb.CreatePairingCodeResponse:
        r = request
        if (role := PERSON_ROLES_BY_NUMBER.get(r.role) if r.role else PersonRole.OPERATOR) is None:
            raise Refusal(Reason.INVALID_ARGUMENT, "role must be OPERATOR, APPROVER or VIEWER")
        machines, sessions = tuple(r.machines), tuple(r.sessions)
        code, expires_at = await self._write(
            call, lambda tx: self._s.people.pairing.create_code(tx, r.person_name.strip(), role, machines, sessions)
        )
        return pb.CreatePairingCodeResponse(code=code, expires_at=timestamp(expires_at))

    async def SetSecondFactor(self, request: pb.SetSecondFactorRequest, call: Call) -> pb.SetSecondFactorResponse:
        factors, person_id = self._s.people.second_factors, request.person_id
        if request.remove:
            await self._write(call, lambda tx: factors.take(tx, person_id))
            return pb.SetSecondFactorResponse()
        return pb.SetSecondFactorResponse(address=await self._write(call, lambda tx: factors.give(tx, person_id)))

    async def SetPasskey(self, request: pb.SetPasskeyRequest, call: Call) -> pb.SetPasskeyResponse:
        passkeys, r = self._s.people.second_factors.passkeys, request
        if r.remove:
            await self._write(call, lambda tx: passkeys.take_all(tx, r.person_id))
            return pb.SetPasskeyResponse()
        code, expires_at = await self._write(call, lambda tx: passkeys.create_code(tx, r.person_id, r.origin))
        return pb.SetPasskeyResponse(code=code, expires_at=timestamp(expires_at))

    async def ListPeople(self, _request: pb.ListPeopleRequest, _call: Call) -> pb.ListPeopleResponse:
        return pb.ListPeopleResponse(
            people=map(person_message, await self._s.database.read(self._s.people.persons.page))
        )

    async def JoinPeople(self, request: pb.JoinPeopleRequest, call: Call) -> pb.JoinPeopleResponse:
        r, persons = request, self._s.people.persons
        made = await self._write(call, lambda tx: persons.join(tx, r.person_id, r.other_person_id))
        return pb.JoinPeopleResponse(person=person_message(made))

    async def SetLadder(self, request: pb.SetLadderRequest, call: Call) -> pb.SetLadderResponse:
        r, at_browser = request, self._s.people.persons.at_browser
        if bool(r.login_id) is not (call.principal.role is Role.ADAPTER):
            raise Refusal(
                Reason.INVALID_ARGUMENT, "login_id is for keys that speak for people, and they name nobody else"
            )

        def change(tx: Transaction) -> tuple[str, str]:
            person = at_browser(tx, r.login_id) if r.login_id else None
            whose = person.person_id if person else "" if r.login_id else r.person_id
            return escalations.change(tx, whose, ladder=r.ladder, concerns=r.concerns)

        ladder, concerns = await self._write(call, change)
        return pb.SetLadderResponse(ladder=ladder, concerns=concerns)

    async def Unpair(self, request: pb.UnpairRequest, call: Call) -> pb.UnpairResponse:
        r = request

        def unpair(tx: Transaction) -> tuple[int, int]:
            if not r.transport:
                return self._s.people.persons.unpair(tx, r.id)
            self._s.people.persons.unpair_chat(tx, ChatRef(r.transport, r.id), r.user_id)
            return 1, 0

        chats, browsers = await self._write(call, unpair)
        return pb.UnpairResponse(chats=chats, browsers=browsers)
