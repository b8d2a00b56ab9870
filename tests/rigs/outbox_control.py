"""What an adapter asks the Control service of a router that scripted_outbox.py stands in for."""

from collections.abc import Iterable
from typing import Protocol

import grpc
from agentlink.v1 import control_pb2, control_pb2_grpc, types_pb2


class Outbox(Protocol):
    """Messages and questions, as the router tells of them."""

    permissions: list[types_pb2.Permission]
    bindings: list[control_pb2.Binding]

    def told(self) -> Iterable[types_pb2.Notification]: ...


class OutboxControl(control_pb2_grpc.ControlServicer):
    """The adapter's own figures, and what it asks about messages."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def GetStats(
        self, _request: control_pb2.GetStatsRequest, _context: grpc.ServicerContext
    ) -> control_pb2.GetStatsResponse:
        return control_pb2.GetStatsResponse(writable=True)

    def ListNotifications(
        self, _request: control_pb2.ListNotificationsRequest, _context: grpc.ServicerContext
    ) -> control_pb2.ListNotificationsResponse:
        return control_pb2.ListNotificationsResponse(notifications=self._outbox.told())

    def GetNotification(
        self, request: control_pb2.GetNotificationRequest, context: grpc.ServicerContext
    ) -> control_pb2.GetNotificationResponse:
        found = [each for each in self._outbox.told() if each.notification_id == request.notification_id]
        if not found:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such notification")
        return control_pb2.GetNotificationResponse(notification=found[0])

    def ListPermissions(
        self, request: control_pb2.ListPermissionsRequest, _context: grpc.ServicerContext
    ) -> control_pb2.ListPermissionsResponse:
        known = [each for each in self._outbox.permissions if each.permission_id == request.permission_id]
        return control_pb2.ListPermissionsResponse(permissions=known)

    def ListBindings(
        self, _request: control_pb2.ListBindingsRequest, _context: grpc.ServicerContext
    ) -> control_pb2.ListBindingsResponse:
        return control_pb2.ListBindingsResponse(bindings=self._outbox.bindings)
