"""Control: notifications."""

from agentlink.v1 import control_pb2 as pb

from router.api.control.part import Part, page_size
from router.api.convert.chats import chat_ref
from router.api.convert.notifications import buttons
from router.api.handlers import Call
from router.domain.worker import may_not
from router.store import names, notification_pages, notifications, sessions
from router.store.database import Transaction


class NotificationsPart(Part):
    """What may be asked of notifications."""

    async def Notify(self, request: pb.NotifyRequest, call: Call) -> pb.NotifyResponse:
        r, who, sender = request, call.principal.name, call.principal.sender
        targets, offered = list(map(chat_ref, request.targets)), buttons(request.buttons)
        if call.principal.worker and targets:
            raise may_not("choose chats")

        def operation(tx: Transaction) -> pb.NotifyResponse:
            self._check_own(tx, call, r.session_id)
            sent = self._s.notifications.send(tx, r.session_id, r.text, offered, targets, who, sender=sender)
            return pb.NotifyResponse(notifications=self._shown(call, sent))

        return await self._once(call, request, pb.NotifyResponse, operation)

    async def GetNotification(self, request: pb.GetNotificationRequest, call: Call) -> pb.GetNotificationResponse:
        name, scope = request.notification_id, call.principal.scope
        identity = await self._s.database.read(lambda c: names.notification(c, name, sessions.within(c, scope)))
        found = await self._ended(call, identity, request.wait, notifications.get, notifications.unknown)
        [shown] = self._shown(call, [found])
        return pb.GetNotificationResponse(notification=shown)

    async def ListNotifications(self, request: pb.ListNotificationsRequest, call: Call) -> pb.ListNotificationsResponse:
        r, limit, scope = request, page_size(request.limit), call.principal.scope
        found = await self._s.database.read(
            lambda c: notification_pages.page(
                c, names.session(c, r.session_id, scope), r.transport, limit, r.before_notification_id,
                receipts=not r.without_receipts, last_words=r.last_words, open_questions=r.open_questions,
                within=sessions.within(c, scope),
            )
        )  # fmt: skip
        return pb.ListNotificationsResponse(notifications=self._shown(call, found))
