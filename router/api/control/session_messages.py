"""Control: what sessions say to each other."""

import sqlite3

from agentlink.v1 import control_pb2 as pb

from router.api.control.part import Part, page_size
from router.api.convert.session_messages import consent_message, session_message
from router.api.handlers import Call
from router.domain.errors import Reason, Refusal
from router.domain.scope import Scope
from router.domain.session_message import Consent, SessionMessage
from router.store import consents, names, session_messages, sessions
from router.store.database import Transaction


class SessionMessagesPart(Part):
    """What a session may say to another, and what people may ask of that."""

    async def SendToSession(self, request: pb.SendToSessionRequest, call: Call) -> pb.SendToSessionResponse:
        worker = call.principal.worker
        if worker is None:
            text = "Only the program in a session speaks as one, by its worker token. SendCommand is for the others."
            raise Refusal(Reason.PERMISSION_DENIED, text)

        def operation(tx: Transaction) -> pb.SendToSessionResponse:
            self._check_own(tx, call, worker.session_id)
            message = self._s.session_messages.send(
                tx, worker.session_id, request.to, request.text, request.reply_to, call.principal.name
            )
            return pb.SendToSessionResponse(message=session_message(message))

        return await self._once(call, request, pb.SendToSessionResponse, operation)

    async def ListSessionMessages(
        self, request: pb.ListSessionMessagesRequest, call: Call
    ) -> pb.ListSessionMessagesResponse:
        limit, scope = page_size(request.limit), call.principal.scope

        def look(c: sqlite3.Connection) -> list[SessionMessage]:
            if (worker := call.principal.worker) is not None:
                self._check_own(c, call, request.session_id)
                return session_messages.page(c, worker.session_id, limit)
            found = session_messages.page(c, names.session(c, request.session_id, scope), limit)
            return [each for each in found if _is_within(c, scope, each)]

        found = await self._s.database.read(look)
        return pb.ListSessionMessagesResponse(messages=map(session_message, found))

    async def ListConsents(self, request: pb.ListConsentsRequest, call: Call) -> pb.ListConsentsResponse:
        def look(c: sqlite3.Connection) -> list[Consent]:
            found = consents.page(c, over=request.include_over)
            return [each for each in found if _is_within(c, call.principal.scope, each)]

        return pb.ListConsentsResponse(consents=map(consent_message, await self._s.database.read(look)))

    async def EndConsent(self, request: pb.EndConsentRequest, call: Call) -> pb.EndConsentResponse:
        def operation(tx: Transaction) -> pb.EndConsentResponse:
            known = consents.find(tx, request.consent_id)
            if known is not None and not _is_within(tx, call.principal.scope, known):
                raise consents.unknown(request.consent_id)
            ended = self._s.session_messages.end(tx, request.consent_id, call.principal.name)
            return pb.EndConsentResponse(consent=consent_message(ended))

        return await self._once(call, request, pb.EndConsentResponse, operation)


def _is_within(on: sqlite3.Connection | Transaction, scope: Scope, about: SessionMessage | Consent) -> bool:
    """Whether both ends are of that scope: what the one says is the other's."""
    within = sessions.within(on, scope)
    return within is None or {about.from_session_id, about.to_session_id} <= set(within)
