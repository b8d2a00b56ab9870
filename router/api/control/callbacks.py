"""Control: reports from outside."""

from agentlink.v1 import control_pb2 as pb

from router.api.control.part import Part
from router.api.control.scope import check_named
from router.api.convert.times import seconds, timestamp
from router.api.handlers import Call
from router.domain.callback import Outcome
from router.store.database import Transaction

_OUTCOMES = {pb.CALLBACK_OUTCOME_OK: Outcome.OK, pb.CALLBACK_OUTCOME_FAILED: Outcome.FAILED}


class CallbacksPart(Part):
    """Who may report to a session, and what they say."""

    async def CreateCallback(self, request: pb.CreateCallbackRequest, call: Call) -> pb.CreateCallbackResponse:
        r, ttl = request, seconds(request.ttl) if request.HasField("ttl") else None

        # Not by `_once`, which would keep the answer, and the token in it.
        def operation(tx: Transaction) -> pb.CreateCallbackResponse:
            self._check_own(tx, call, r.session_id)
            check_named(tx, call.principal.scope, r)
            made, token = self._s.callbacks.create(tx, r.session_id, r.name, ttl, call.principal)
            until = timestamp(made.expires_at)
            return pb.CreateCallbackResponse(token=token, expires_at=until, callback_id=made.callback_id)

        return await self._write(call, operation)

    async def ReportBack(self, request: pb.ReportBackRequest, call: Call) -> pb.ReportBackResponse:
        outcome = _OUTCOMES.get(request.outcome)
        await self._write(call, lambda tx: self._s.callbacks.report(tx, request.token, outcome, request.text))
        return pb.ReportBackResponse()
