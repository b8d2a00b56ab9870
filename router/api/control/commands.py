"""Control: commands and dead letters."""

import sqlite3

from agentlink.v1 import control_pb2 as pb
from msgspec.structs import replace

from router.api.access import APPROVE
from router.api.control.part import Part, note, origin, page_size, ttl
from router.api.convert.commands import STATES_OF_COMMANDS, action, command_message
from router.api.handlers import Call
from router.domain.action import Input
from router.domain.command import Origin
from router.domain.errors import Reason, Refusal
from router.domain.worker import may_not
from router.services.delivery.drafts import Draft
from router.store import commands, names, notifications, sessions
from router.store.database import Transaction


class CommandsPart(Part):
    """What may be asked of commands."""

    async def SendCommand(self, request: pb.SendCommandRequest, call: Call) -> pb.SendCommandResponse:
        who, limit = origin(request, call), ttl(request)
        draft = Draft(request.session_id, action(request.action), who, limit, note=note(request))
        if call.principal.worker:
            _check_of_worker(draft)
            draft = replace(draft, hops=None)  # its own words are no person's

        def operation(tx: Transaction) -> pb.SendCommandResponse:
            self._check_own(tx, call, request.session_id)
            command = self._s.controls.accept(tx, draft, may_allow=call.principal.role in APPROVE)
            return pb.SendCommandResponse(command=command_message(command))

        return await self._once(call, request, pb.SendCommandResponse, operation)

    async def GetCommand(self, request: pb.GetCommandRequest, call: Call) -> pb.GetCommandResponse:
        identity = await self._s.database.read(lambda c: self._readable(c, call, request.command_id))
        found = await self._ended(call, identity, request.wait, commands.get, commands.unknown)
        return pb.GetCommandResponse(command=command_message(found))

    def _readable(self, on: sqlite3.Connection, call: Call, name: str) -> str:
        """The id of a command. Raises Refusal where a worker names another than it sent itself."""
        worker = call.principal.worker
        if worker is None:
            return names.command(on, name, sessions.within(on, call.principal.scope))
        # By its whole id: a part of one would be answered with what else there is.
        found = commands.find(on, name)
        if found is None or (found.session_id, found.origin.actor) != (worker.session_id, call.principal.name):
            raise Refusal(Reason.NOT_FOUND, f"There is no command {name[:128]} that this worker token sent.")
        return name

    async def ListCommands(self, request: pb.ListCommandsRequest, call: Call) -> pb.ListCommandsResponse:
        # States of a newer caller that we do not know are none that a command of ours has.
        states = [STATES_OF_COMMANDS[s] for s in request.states if s in STATES_OF_COMMANDS]
        limit, before, scope = page_size(request.limit), request.before_command_id, call.principal.scope
        found = await self._s.database.read(
            lambda c: commands.page(
                c, session_id=names.session(c, request.session_id, scope), states=states, limit=limit, before=before,
                within=sessions.within(c, scope),
            )
        )  # fmt: skip
        return pb.ListCommandsResponse(commands=map(command_message, found))

    async def CancelCommand(self, request: pb.CancelCommandRequest, call: Call) -> pb.CancelCommandResponse:
        def operation(tx: Transaction) -> pb.CancelCommandResponse:
            command = self._s.delivery.cancel(tx, request.command_id, call.principal.name)
            return pb.CancelCommandResponse(command=command_message(command))

        return await self._once(call, request, pb.CancelCommandResponse, operation)

    async def Redrive(self, request: pb.RedriveRequest, call: Call) -> pb.RedriveResponse:
        def operation(tx: Transaction) -> pb.RedriveResponse:
            who = Origin("grpc", call.principal.name)
            command = self._s.dead_letters.redrive(tx, request.command_id, request.session_id, who)
            return pb.RedriveResponse(command=command_message(command))

        return await self._once(call, request, pb.RedriveResponse, operation)

    async def DropDeadLetter(self, request: pb.DropDeadLetterRequest, call: Call) -> pb.DropDeadLetterResponse:
        def operation(tx: Transaction) -> pb.DropDeadLetterResponse:
            command = self._s.dead_letters.drop(tx, request.command_id, call.principal.name)
            return pb.DropDeadLetterResponse(command=command_message(command))

        return await self._once(call, request, pb.DropDeadLetterResponse, operation)

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, call: Call) -> pb.ListDeadLettersResponse:
        limit, scope = page_size(request.limit), call.principal.scope
        within = await self._s.database.read(lambda c: sessions.within(c, scope))
        found = await self._s.database.read(lambda c: commands.dead_letters(c, limit, within))
        missing = await self._s.database.read(lambda c: notifications.dead(c, limit, within))
        return pb.ListDeadLettersResponse(
            commands=map(command_message, found), notifications=self._shown(call, missing)
        )


def _check_of_worker(draft: Draft) -> None:
    """Raise Refusal for more than a text: keys answer dialogs, and what becomes of a command is told in its chat."""
    if not isinstance(draft.action, Input):
        raise may_not("press keys, keep a session or change how it works")
    if draft.origin.chat:
        raise may_not("choose chats")
