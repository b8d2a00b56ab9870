"""Control: what is to be done later."""

import sqlite3

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types_pb

from router.api.control.part import Part, origin, page_size
from router.api.convert.deferred import days, deferred_message, occurrence_message, task
from router.api.handlers import Call
from router.domain.command import Origin
from router.domain.credentials import MAY_CLAIM
from router.domain.deferral import Deferred, Owner, Task, Wanted
from router.domain.errors import Reason, Refusal
from router.domain.occurrence import Occurrence, coming
from router.domain.schedule import zone_of
from router.domain.scope import Scope
from router.domain.wording import deferrals as wording
from router.domain.worker import may_not
from router.services import scopes
from router.services.deferral import rights
from router.store import deferred, sessions
from router.store.database import Transaction


class DeferredPart(Part):
    """What may be asked of what is to be done later."""

    async def Defer(self, request: pb.DeferRequest, call: Call) -> pb.DeferResponse:
        r, kept = request, self._s.deferral.kept
        what, who = task(r), origin(r, call)
        zone = zone_of(r.zone or kept.zone).key

        def operation(tx: Transaction) -> pb.DeferResponse:
            owner = self._owner(tx, r, call, what)
            if what is Task.CONTINUE:
                return pb.DeferResponse(deferred=self._message(self._go_on(tx, r.session_id, who, owner)))
            # Read here: the same request again is answered as it was, whatever "today" means by now.
            schedule = kept.read(r.when, zone)
            wanted = Wanted(what, schedule, zone, r.text, who, owner, r.session_id, r.machine_id, r.folder)
            return pb.DeferResponse(deferred=self._message(kept.defer(tx, wanted)))

        return await self._once(call, request, pb.DeferResponse, operation)

    async def ListDeferred(self, request: pb.ListDeferredRequest, call: Call) -> pb.ListDeferredResponse:
        limit, scope = page_size(request.limit), call.principal.scope
        over = limit if request.include_over else 0

        def look(c: sqlite3.Connection) -> list[Deferred]:
            self._check_own(c, call, request.session_id)
            within = sessions.within(c, scope)
            found = deferred.page(c, session_id=request.session_id, with_over=over, within=within)
            # What people want of its session is not its business.
            return [each for each in found if call.principal.worker is None or _is_its(each, call)]

        found = await self._s.database.read(look)
        return pb.ListDeferredResponse(deferred=map(self._message, found[:limit]))

    async def ListOccurrences(self, request: pb.ListOccurrencesRequest, call: Call) -> pb.ListOccurrencesResponse:
        clock, scope = self._s.clock, call.principal.scope
        asked = days(request, clock.wall(), self._s.deferral.kept.zone)
        ahead = clock.wall() - clock.now()

        def look(c: sqlite3.Connection) -> tuple[list[Occurrence], bool]:
            there = deferred.page(c, session_id=request.session_id, within=sessions.within(c, scope))
            return coming(there, asked, ahead)

        found, cut = await self._s.database.read(look)
        return pb.ListOccurrencesResponse(occurrences=map(occurrence_message, found), cut=cut)

    async def CancelDeferred(self, request: pb.CancelDeferredRequest, call: Call) -> pb.CancelDeferredResponse:
        def operation(tx: Transaction) -> pb.CancelDeferredResponse:
            _check_scope(tx, request.deferred_id, call.principal.scope)
            self._check_its(tx, request.deferred_id, call)
            cancelled = self._s.deferral.kept.cancel(tx, request.deferred_id, call.principal.name)
            return pb.CancelDeferredResponse(deferred=self._message(cancelled))

        return await self._once(call, request, pb.CancelDeferredResponse, operation)

    async def ChangeDeferred(self, request: pb.ChangeDeferredRequest, call: Call) -> pb.ChangeDeferredResponse:
        def operation(tx: Transaction) -> pb.ChangeDeferredResponse:
            _check_scope(tx, request.deferred_id, call.principal.scope)
            return pb.ChangeDeferredResponse(deferred=self._message(self._changed(tx, request, call.principal.name)))

        return await self._once(call, request, pb.ChangeDeferredResponse, operation)

    def _owner(self, tx: Transaction, r: pb.DeferRequest, call: Call, what: Task) -> Owner:
        """Who wants it: whose browser it is asked at, the key, or a session for itself. Raises Refusal."""
        if call.principal.worker:
            self._check_own(tx, call, r.session_id)
            if what not in (Task.TEXT, Task.REMINDER) or r.origin.HasField("chat"):
                raise may_not("start sessions, go on after a limit, or choose chats")
        if r.login_id and call.principal.role not in MAY_CLAIM:
            raise Refusal(Reason.INVALID_ARGUMENT, "login_id is for keys that speak for people")
        person = self._s.people.persons.at_browser(tx, r.login_id) if r.login_id else None
        if person is None:
            return _owner(call)
        if why := rights.of_person(tx, person, what, r.session_id):
            raise Refusal(Reason.PERMISSION_DENIED, why)
        return Owner(f"person {person.person_id}", person.person_id)

    def _go_on(self, tx: Transaction, session_id: str, who: Origin, owner: Owner) -> Deferred:
        session = sessions.get(tx, session_id)
        if (kept := self._s.deferral.limits.go_on(tx, session, who, owner)) is None:
            raise Refusal(Reason.ILLEGAL_STATE, wording.IS_AT_NO_LIMIT.format(name=session.name))
        return kept

    def _changed(self, tx: Transaction, r: pb.ChangeDeferredRequest, actor: str) -> Deferred:
        kept = self._s.deferral.kept
        match r.change:
            case pb.DEFERRED_CHANGE_PAUSE:
                return kept.pause(tx, r.deferred_id, actor)
            case pb.DEFERRED_CHANGE_RESUME:
                return kept.resume(tx, r.deferred_id, actor)
            case pb.DEFERRED_CHANGE_NOW:
                return self._s.deferral.occurrences.now(tx, r.deferred_id)
            case pb.DEFERRED_CHANGE_MOVE:
                return kept.move(tx, r.deferred_id, r.when, r.zone, actor)
        raise Refusal(Reason.INVALID_ARGUMENT, "change must be PAUSE, RESUME, NOW or MOVE")

    def _check_its(self, tx: Transaction, deferred_id: str, call: Call) -> None:
        """Raise Refusal where the program of a session names what is not its own."""
        if (worker := call.principal.worker) is None:
            return
        self._check_own(tx, call, worker.session_id)
        known = deferred.find(tx, deferred_id)
        if known is None or not _is_its(known, call):
            raise deferred.unknown(deferred_id)

    def _message(self, found: Deferred) -> types_pb.Deferred:
        return deferred_message(found, self._s.clock.wall() - self._s.clock.now())


def _is_its(known: Deferred, call: Call) -> bool:
    return known.owner.name == _owner(call).name


def _owner(call: Call) -> Owner:
    # The program of a session for itself, and not for its machine: others of that have theirs.
    return Owner(call.principal.identity.sender, key_id=call.principal.key_id)


def _check_scope(tx: Transaction, deferred_id: str, scope: Scope) -> None:
    found = deferred.find(tx, deferred_id)
    if found is not None:  # else whoever looks for it says so
        scopes.check(tx, scope, found.session_id, deferred.unknown(deferred_id))
