"""Who hears of what, and how often: the chats of a session, a ladder, summaries, and rules that allow for a time."""

from typing import Annotated

from flask import Blueprint, g, jsonify
from flask.typing import ResponseReturnValue
from msgspec import Meta, Struct

from pointsman.client.records import Chat, Origin
from webhook_adapter.console import present
from webhook_adapter.console.ports import ConsoleControl, ConsoleRouter
from webhook_adapter.json_bodies import body, query

FOR_ALL = frozenset({"set_ladder"})  # their own, whatever somebody's role is
_NO_PLACES = ("web", "push")  # no chats that a person writes in: they hear as their person does
_ACTOR = "web:console (the web console)"  # nobody knows who sits at it with the key
_MOST = 20  # chats of which the page asks for their summaries
_Key = Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{8,64}\Z")]
_Id = Annotated[str, Meta(min_length=1, max_length=200)]
_Words = Annotated[str, Meta(max_length=200)]


class OfSession(Struct):
    """Whose audience."""

    session: _Id


class Place(Struct):
    """A chat."""

    transport: _Id
    chat_id: _Id


class Follow(Struct):
    """A chat that is to hear of a session, or no more. `key` is the UUID that the page gave the request."""

    key: _Key
    session: _Id
    chat: Place
    follows: bool


class SetLadder(Struct):
    """How whoever is at this browser is to be asked again; what is empty stays."""

    ladder: _Words = ""
    concerns: _Words = ""


class SetSummary(Struct):
    """When a chat is to be told how its sessions stand: "8:00", "off"."""

    key: _Key
    chat: Place
    at: Annotated[str, Meta(min_length=1, max_length=64)]


class EndRule(Struct):
    """A rule that is to allow nothing any more."""

    key: _Key
    rule_id: _Id


def add_audience(blueprint: Blueprint, router: ConsoleRouter) -> None:
    """Give the blueprint its endpoints."""

    @blueprint.get("/console/api/audience")
    def audience() -> ResponseReturnValue:
        told, others = router.own.audience(query(OfSession).session)
        return jsonify(audience=present.all_shown(told), others=present.all_shown(others))

    @blueprint.post("/console/api/follow")
    def follow() -> ResponseReturnValue:
        sent = body(Follow)
        change = router.own.follow_session if sent.follows else router.own.unfollow_session
        change(sent.session, [_chat(sent.chat)], request=f"web:{sent.key}")
        told, others = router.own.audience(sent.session)
        return jsonify(audience=present.all_shown(told), others=present.all_shown(others))

    @blueprint.get("/console/api/ladder")
    def ladder() -> ResponseReturnValue:
        told = router.own.ladder(login_id=g.visitor.session_id)
        summaries = [present.shown(chat) | {"at": router.own.summary(chat)} for chat in _chats(router.own)]
        return jsonify(ladder=told.ladder, concerns=told.concerns, summaries=summaries)

    @blueprint.post("/console/api/ladder")
    def set_ladder() -> ResponseReturnValue:
        sent = body(SetLadder)
        told = router.own.ladder("", sent.ladder, sent.concerns, login_id=g.visitor.session_id)
        return jsonify(present.shown(told))

    @blueprint.post("/console/api/summary")
    def set_summary() -> ResponseReturnValue:
        sent = body(SetSummary)
        return jsonify(at=router.own.summary(_chat(sent.chat), sent.at, request=f"web:{sent.key}"))

    @blueprint.get("/console/api/rules")
    def rules() -> ResponseReturnValue:
        return jsonify(rules=present.all_shown(router.own.rules()))

    @blueprint.post("/console/api/end-rule")
    def end_rule() -> ResponseReturnValue:
        sent = body(EndRule)
        who = Origin("web", g.visitor.actor(_ACTOR))
        return jsonify(present.shown(router.own.end_rule(sent.rule_id, request=f"web:{sent.key}", origin=who)))


def _chats(ask: ConsoleControl) -> list[Chat]:
    """Chats that want messages; told of a session, or not, are all of them."""
    newest = ask.sessions(include_ended=False)[-1:]
    found = [chat for each in newest for some in ask.audience(each.session_id) for chat in some]
    return [chat for chat in found if chat.transport not in _NO_PLACES][:_MOST]


def _chat(place: Place) -> Chat:
    return Chat(place.transport, place.chat_id)
