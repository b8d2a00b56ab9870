"""REST: who hears of a session, how loud, and how chats and people want to be told."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from typing import Annotated

from flask import Blueprint
from msgspec import Meta

from pointsman.client.control import Control
from pointsman.client.people_records import ChatSettings
from pointsman.client.records import Chat
from webhook_adapter.endpoints import Answer, Body, endpoint
from webhook_adapter.http.bodies import Place


class FollowSession(Body):
    """Chats that are to hear of a session, or not; none: those that hear of all."""

    chats: tuple[Place, ...] = ()


class Audience(Answer):
    """Who hears of a session now."""

    audience: tuple[Place, ...]


class MuteSession(Body):
    """Where a session is to make no sound, and until when."""

    chat: Place
    until: Annotated[str | None, Meta(description='"9:00", "fri 18:00", "in 2h"; for good, if left out.')] = None
    off: Annotated[bool, Meta(description="It is to be heard again.")] = False
    idempotency_key: str | None = None


class Muted(Answer):
    """How it is now, in words."""

    told: str


class SetSummary(Body):
    """When a chat is to be told each day how its sessions stand."""

    chat: Place
    at: Annotated[str | None, Meta(description='"8:00", "off"; if left out, it is told.')] = None
    idempotency_key: str | None = None


class Summary(Answer):
    """When it comes: "every day 8:00"; empty for never."""

    at: str


class SetChat(Body):
    """How a chat is to be treated; what is left out stays."""

    chat: Place
    quiet: Annotated[str | None, Meta(description='Hours without a sound but for questions: "22-7", "off".')] = None
    limits: Annotated[
        str | None, Meta(description='"continue": a session goes on by itself after its usage limit; "ask".')
    ] = None
    zone: Annotated[str | None, Meta(description='Of the times that are said there: "Europe/Berlin".')] = None
    bundles: Annotated[str | None, Meta(description='Ends of several turns as one message: "on", "off".')] = None
    shows: Annotated[str | None, Meta(description='Of a turn: "quiet", "progress", "everything".')] = None
    topics: Annotated[str | None, Meta(description='A topic for each session: "on", "off".')] = None
    policy: Annotated[
        str | None, Meta(description='Commands that waited more than an hour for a machine: "ask" first, or "send".')
    ] = None
    idempotency_key: str | None = None


class ChatTold(Answer):
    """How a chat is treated now, in the same words."""

    quiet: str
    limits: str
    zone: str
    bundles: str
    shows: str
    topics: str
    policy: str


class SetLadder(Body):
    """How a person is to be asked again."""

    person_id: Annotated[str | None, Meta(description="Whoever has the key, if left out.")] = None
    ladder: Annotated[str | None, Meta(description='"15m again, 30m mail", "off"; if left out, it is told.')] = None
    concerns: Annotated[
        str | None, Meta(description='What goes up it beside questions: "failed, machine-lost", "none".')
    ] = None


class Ladder(Answer):
    """How a person is asked again."""

    ladder: str
    concerns: str


def add_audience(blueprint: Blueprint, control: Callable[[], Control], keyed: tuple[int, ...]) -> None:
    """The endpoints of who hears of a session."""

    @blueprint.post("/sessions/<session_id>/follow")
    @endpoint("sessions", *keyed, 404, 409)
    def follow_session(session_id: str, asked: FollowSession) -> Audience:
        """Let chats hear of it, beside those that do."""
        return _told(control().follow_session(session_id, _chats(asked), request=""))

    @blueprint.post("/sessions/<session_id>/unfollow")
    @endpoint("sessions", *keyed, 404, 409)
    def unfollow_session(session_id: str, asked: FollowSession) -> Audience:
        """Let chats hear of it no more; the last one stays."""
        return _told(control().unfollow_session(session_id, _chats(asked), request=""))

    @blueprint.post("/sessions/<session_id>/mute")
    @endpoint("sessions", *keyed, 404, 409)
    def mute_session(session_id: str, asked: MuteSession) -> Muted:
        """Let it make no sound in a chat but for its questions, for good or until a time; or be heard again."""
        chat = Chat(asked.chat.transport, asked.chat.chat_id)
        told = control().mute(session_id, chat, asked.until or "", off=asked.off, request=asked.idempotency_key or "")
        return Muted(told)

    @blueprint.post("/summary")
    @endpoint("deferred", *keyed, 404, 409)
    def set_summary(asked: SetSummary) -> Summary:
        """Let a chat be told each day how its sessions stand, or no more; or tell when that is."""
        chat = Chat(asked.chat.transport, asked.chat.chat_id)
        return Summary(control().summary(chat, asked.at or "", request=asked.idempotency_key or ""))

    @blueprint.post("/chat-settings")
    @endpoint("sessions", *keyed, 404, 409)
    def set_chat(asked: SetChat) -> ChatTold:
        """Say how a chat is to be treated, or tell it: quiet hours, usage limits, its time zone, what it shows."""
        chat, wanted = Chat(asked.chat.transport, asked.chat.chat_id), _wanted(asked)
        told = control().chat_settings(chat, wanted, request=asked.idempotency_key or "")
        return ChatTold(**asdict(told))

    @blueprint.post("/escalation")
    @endpoint("people", *keyed, 404)
    def set_ladder(asked: SetLadder) -> Ladder:
        """Say how a person who does not answer is asked again, and about what beside questions, or tell it."""
        told = control().ladder(asked.person_id or "", asked.ladder or "", asked.concerns or "")
        return Ladder(told.ladder, told.concerns)


def _wanted(asked: SetChat) -> ChatSettings:
    return ChatSettings(**{each.name: getattr(asked, each.name) or "" for each in fields(ChatSettings)})


def _chats(asked: FollowSession) -> list[Chat]:
    return [Chat(each.transport, each.chat_id) for each in asked.chats]


def _told(heard_by: Iterable[Chat]) -> Audience:
    return Audience(tuple(Place(each.transport, each.chat_id) for each in heard_by))
