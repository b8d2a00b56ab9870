"""What tests of permission questions do at the router's doors: ask as a machine, answer as a person."""

from typing import Any

from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.rigs.thin_agent import ThinLink
from tests.rigs.thin_courier import ThinCourier

ADA = "telegram:4711 (Ada)"
DAY = 24 * 3600
OPTIONS = [
    types.PermissionOption(option_id="allow", verdict=types.VERDICT_ALLOW),
    types.PermissionOption(option_id="always", label="git …, always", verdict=types.VERDICT_ALLOW_ALWAYS),
    types.PermissionOption(option_id="deny", verdict=types.VERDICT_DENY, takes_text=True),
]
COLOURS = [
    types.PermissionOption(option_id="blue", label="Blue", verdict=types.VERDICT_ANSWER),
    types.PermissionOption(option_id="text", verdict=types.VERDICT_ANSWER, takes_text=True),
]


def ask(link: ThinLink, session: str, seq: int = 1, **request: Any) -> str:
    """Ask, and come back once it is on the router's disk."""
    fields = {
        "permission_id": fresh("question"), "tool": "Bash", "input": "git push", "input_digest": "d1",
        "expires_in": {"seconds": 7 * DAY}, "options": OPTIONS, "kind": types.PERMISSION_KIND_TOOL,
    } | request  # fmt: skip
    frame = link_pb.PermissionRequest(upstream_seq=seq, session_id=session, **fields)
    link.frame(permission_request=frame)
    link.acked(seq)
    return frame.permission_id


def withdraw(link: ThinLink, permission_id: str, state: Any, seq: int = 2, detail: str = "") -> link_pb.UpstreamAck:
    over = link_pb.PermissionWithdrawn(upstream_seq=seq, permission_id=permission_id, state=state, detail=detail)
    link.frame(permission_withdrawn=over)
    return link.acked(seq)


def listed(router: RouterUnderTest, **request: Any) -> list[types.Permission]:
    return list(router.control.ListPermissions(pb.ListPermissionsRequest(**request)).permissions)


def standing(router: RouterUnderTest, permission_id: str) -> types.Permission:
    [found] = listed(router, permission_id=permission_id)
    return found


def respond(router: RouterUnderTest, permission_id: str, option_id: str = "allow", **request: Any) -> types.Permission:
    request = {"input_digest": "d1", "origin": types.Origin(source="cli", actor="ada")} | request
    asked = pb.RespondPermissionRequest(permission_id=permission_id, option_id=option_id, **request)
    return router.control.RespondPermission(asked).permission


def here(transport: str, message_id: str = "100") -> types.ChatRef:
    return types.ChatRef(transport=transport, chat_id="1", message_id=message_id)


def press(router: RouterUnderTest, note: types.Notification, action: str, actor: str = ADA) -> Any:
    place = types.ChatRef(transport=note.chat.transport, chat_id=note.chat.chat_id, message_id="100")
    return router.submit(place, button={"data": f"cmd:{note.token}:{action}"}, actor=actor)


def decision(link: ThinLink) -> types.PermissionDecision:
    [frame] = link.commands(1)
    assert frame.lane == types.LANE_URGENT
    return frame.action.permission_decision


def shown(courier: ThinCourier, *message_ids: str) -> types.Notification:
    """What the next delivery says, once the platform took it."""
    return courier.brought(*(message_ids or ("100",))).notification
