"""Control: which chats hear of a session, and how a chat wants to hear."""

from collections.abc import Iterable

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types_pb
from msgspec.structs import replace

from router.api.control.part import Part
from router.api.convert.chats import chat_message, chat_ref
from router.api.convert.sessions import session_message
from router.api.handlers import Call
from router.domain.command import ChatRef, Origin
from router.domain.deferral import Owner
from router.domain.session import Session
from router.services.chat.settings import SettingsCommands
from router.services.people import audience
from router.store import audience as kept
from router.store import chats, sessions
from router.store.database import Transaction


class AudiencePart(Part):
    """Who hears of a session."""

    async def Follow(self, request: pb.FollowRequest, call: Call) -> pb.FollowResponse:
        def operation(tx: Transaction) -> pb.FollowResponse:
            wanted = [] if request.only_tell else _wanted(tx, request.chats)
            session = audience.follow(tx, request.session_id, wanted)
            told, others = _audience(tx, session), map(chat_message, audience.others(tx, session))
            return pb.FollowResponse(session=self._told(tx, session), audience=told, others=others)

        return await self._once(call, request, pb.FollowResponse, operation)

    async def Unfollow(self, request: pb.UnfollowRequest, call: Call) -> pb.UnfollowResponse:
        def operation(tx: Transaction) -> pb.UnfollowResponse:
            session = audience.unfollow(tx, request.session_id, _wanted(tx, request.chats))
            return pb.UnfollowResponse(session=self._told(tx, session), audience=_audience(tx, session))

        return await self._once(call, request, pb.UnfollowResponse, operation)

    async def Mute(self, request: pb.MuteRequest, call: Call) -> pb.MuteResponse:
        def operation(tx: Transaction) -> pb.MuteResponse:
            session, chat = sessions.get(tx, request.session_id), chat_ref(request.chat)
            audience.check_chat(tx, chat)
            settings = SettingsCommands(self._s.clock, self._s.deferral.kept.zone)
            if request.off:
                return pb.MuteResponse(told=settings.unmute(tx, chat, session))
            return pb.MuteResponse(told=settings.mute(tx, chat, session, request.until))

        return await self._once(call, request, pb.MuteResponse, operation)

    async def SetSummary(self, request: pb.SetSummaryRequest, call: Call) -> pb.SetSummaryResponse:
        who = Origin("grpc", call.principal.name, chat_ref(request.chat))
        owner = Owner(call.principal.sender, key_id=call.principal.key_id)

        def operation(tx: Transaction) -> pb.SetSummaryResponse:
            audience.check_chat(tx, chat_ref(request.chat))
            return pb.SetSummaryResponse(at=self._s.deferral.kept.each_day(tx, request.at, who, owner))

        return await self._once(call, request, pb.SetSummaryResponse, operation)

    async def SetChat(self, request: pb.SetChatRequest, call: Call) -> pb.SetChatResponse:
        wishes = {
            "quiet": request.quiet, "limits": request.limits, "zone": request.zone, "bundles": request.bundles,
            "shows": request.shows, "topics": request.topics, "policy": request.policy,
        }  # fmt: skip

        def operation(tx: Transaction) -> pb.SetChatResponse:
            chat = chats.current(tx, chat_ref(request.chat))
            audience.check_chat(tx, chat)
            settings = SettingsCommands(self._s.clock, self._s.deferral.kept.zone)
            return pb.SetChatResponse(**settings.of_program(tx, chat, wishes))

        return await self._once(call, request, pb.SetChatResponse, operation)

    def _told(self, tx: Transaction, session: Session) -> types_pb.Session:
        home = tuple(each.chat for each in kept.of_session(tx, session.session_id) if each.hearing.wants)
        return session_message(self._live(replace(session, home=home)))


def _wanted(tx: Transaction, named: Iterable[types_pb.ChatRef]) -> list[ChatRef]:
    return [*map(chat_ref, named)] or chats.defaults(tx)


def _audience(tx: Transaction, session: Session) -> list[types_pb.ChatRef]:
    return [chat_message(chat) for chat in audience.hearers(tx, session)]
