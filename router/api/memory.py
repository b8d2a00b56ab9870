"""Memory: notes across sessions, for people's programs and for those of sessions."""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from agentlink.v1 import memory_pb2 as pb
from msgspec.structs import replace

from router.api.control.part import ControlServices, Part, page_size
from router.api.convert.notes import note_message, note_scope
from router.api.handlers import Call
from router.domain.credentials import MAY_CLAIM
from router.domain.errors import Reason, Refusal
from router.domain.note import Speaker
from router.domain.session import Session
from router.services.memory import speakers
from router.services.memory.notes import Memory
from router.store import sessions
from router.store.database import Transaction

T = TypeVar("T")
MOST_RECALLED, USUALLY_RECALLED = 50, 10
_MAY_NOT_CLAIM = "Only those that people write to may say for whom they act: leave login_id empty."
Connection = sqlite3.Connection | Transaction


class MemoryServicer(Part):
    """All of Memory."""

    def __init__(self, services: ControlServices, memory: Memory) -> None:
        super().__init__(services)
        self._memory = memory

    async def Remember(self, request: pb.RememberRequest, call: Call) -> pb.RememberResponse:
        scope = note_scope(request.scope)

        def remember(tx: Transaction, who: Speaker) -> pb.RememberResponse:
            about = self._about(tx, who, call, request.session_id)
            note = self._memory.remember(tx, who, request.text, scope, about)
            return pb.RememberResponse(note=note_message(note, with_text=False))

        acting = self._acting(call, request.login_id, remember)
        return await self._once(call, request, pb.RememberResponse, acting)

    async def Recall(self, request: pb.RecallRequest, call: Call) -> pb.RecallResponse:
        limit = min(request.limit or USUALLY_RECALLED, MOST_RECALLED)
        meant = await self._memory.embeddings.of(request.query)

        def recall(on: sqlite3.Connection) -> pb.RecallResponse:
            who = self._speaker(on, call, request.login_id)
            about = self._about(on, who, call, request.session_id)
            found = self._memory.recall(on, who, request.query, about, limit, meant)
            return pb.RecallResponse(notes=map(note_message, found))

        return await self._s.database.read(recall)

    async def List(self, request: pb.ListNotesRequest, call: Call) -> pb.ListNotesResponse:
        r, limit = request, page_size(request.limit)

        def look(on: sqlite3.Connection) -> pb.ListNotesResponse:
            who = self._speaker(on, call, r.login_id)
            about = self._about(on, who, call, r.session_id)
            found = self._memory.list(on, who, about, limit, query=r.query, waiting=r.waiting, before=r.before)
            return pb.ListNotesResponse(notes=map(note_message, found))

        return await self._s.database.read(look)

    async def Forget(self, request: pb.ForgetRequest, call: Call) -> pb.ForgetResponse:
        def forget(tx: Transaction, who: Speaker) -> pb.ForgetResponse:
            self._memory.forget(tx, who, request.number)
            return pb.ForgetResponse()

        return await self._once(call, request, pb.ForgetResponse, self._acting(call, request.login_id, forget))

    async def Keep(self, request: pb.KeepRequest, call: Call) -> pb.KeepResponse:
        def keep(tx: Transaction, who: Speaker) -> pb.KeepResponse:
            return pb.KeepResponse(note=note_message(self._memory.keep(tx, who, request.number), with_text=False))

        return await self._once(call, request, pb.KeepResponse, self._acting(call, request.login_id, keep))

    def _acting(
        self, call: Call, login_id: str, operation: Callable[[Transaction, Speaker], T]
    ) -> Callable[[Transaction], T]:
        """An operation of whoever calls, or of the person for whom the console does."""

        def acting(tx: Transaction) -> T:
            who = self._speaker(tx, call, login_id)
            if login_id:
                tx.caller = replace(tx.caller, claimed=who.name)
            return operation(tx, who)

        return acting

    def _speaker(self, on: Connection, call: Call, login_id: str) -> Speaker:
        """Raises Refusal."""
        principal = call.principal
        if login_id and principal.role not in MAY_CLAIM:
            raise Refusal(Reason.PERMISSION_DENIED, _MAY_NOT_CLAIM)
        if principal.worker:
            self._check_own(on, call, principal.worker.session_id)
            return speakers.of_program(sessions.get(on, principal.worker.session_id))
        if not login_id:
            return speakers.of_key(principal)
        person = self._s.people.browsers.person_of(on, login_id)
        return speakers.of_browser(person, f"web:console ({person.name if person else 'the web console'})")

    def _about(self, on: Connection, who: Speaker, call: Call, session_id: str) -> Session | None:
        """The session that a request names; a program's own where it names none. Raises Refusal."""
        if session_id:
            self._check_own(on, call, session_id)
            return sessions.get(on, session_id)
        return who.session
