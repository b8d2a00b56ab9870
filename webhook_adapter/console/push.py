"""Browsers that take pushes: how the page subscribes, says what is looked at, and how a notification is answered.

The blueprint has let the visitor in before any of this runs. What a notification sends back names it by a token that
was encrypted to its browser, beside the cookie and the page's own token.
"""

from base64 import urlsafe_b64decode
from typing import Annotated, Protocol

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue
from msgspec import Meta, Struct

from pointsman.client.records import Chat
from webhook_adapter.console import present
from webhook_adapter.json_bodies import InvalidRequest, body
from webhook_adapter.model import Submission, Submitted, Subscription

FOR_ALL = frozenset({"push_subscribe", "push_end", "push_look", "push_answer"})  # whatever somebody's role is
_LOOKED_AT = Annotated[str, Meta(max_length=200)]
_BASE64 = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,100}={0,2}\Z")]


class Pushes(Protocol):
    """The router, as far as pushes need it. Every method raises RouterError."""

    def push_public_key(self) -> str:
        """What the page gives to its browser, so that pushes of ours alone are taken."""

    def subscribe(self, login_id: str, to: Subscription, quiet_hours: str) -> str:
        """Let a browser be pushed to; the chat that it is. Raises InvalidRequest for an address that is not called."""

    def unsubscribe(self, login_id: str) -> None:
        """Let it be pushed to no more."""

    def look(self, login_id: str, session_id: str) -> None:
        """Somebody looks at a session in a browser; at none, where it is empty."""

    def submit(self, submission: Submission) -> Submitted:
        """Hand in what a person wrote or pressed; once for each update key."""


class Keys(Struct):
    """Of a PushSubscription."""

    p256dh: _BASE64
    auth: _BASE64


class Subscribe(Struct):
    """A PushSubscription, as its toJSON makes it, and when it is to make no sound: "22:00-07:00"."""

    endpoint: Annotated[str, Meta(max_length=1024)]
    keys: Keys
    quiet: Annotated[str, Meta(max_length=16)] | None = None


class Looked(Struct):
    """Which session is before somebody's eyes."""

    session: _LOOKED_AT | None = None


class Answered(Struct):
    """What was pressed in a notification, or written there."""

    key: Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{8,64}\Z")]
    chat: Annotated[str, Meta(min_length=1, max_length=64)]
    message_id: Annotated[str, Meta(min_length=1, max_length=64)]
    data: str | None = None
    text: str | None = None


def add_pushes(blueprint: Blueprint, router: Pushes) -> None:
    """Give the blueprint its endpoints."""

    @blueprint.get("/console/api/push")
    def push_key() -> ResponseReturnValue:
        return jsonify(key=router.push_public_key())

    @blueprint.post("/console/api/push-subscribe")
    def push_subscribe() -> ResponseReturnValue:
        sent = body(Subscribe)
        to = Subscription(sent.endpoint, _bytes(sent.keys.p256dh), _bytes(sent.keys.auth), _origin())
        return jsonify(chat=router.subscribe(g.visitor.session_id, to, sent.quiet or ""))

    @blueprint.post("/console/api/push-end")
    def push_end() -> ResponseReturnValue:
        router.unsubscribe(g.visitor.session_id)
        return jsonify(ok=True)

    @blueprint.post("/console/api/push-look")
    def push_look() -> ResponseReturnValue:
        router.look(g.visitor.session_id, body(Looked).session or "")
        return jsonify(ok=True)

    @blueprint.post("/console/api/push-answer")
    def push_answer() -> ResponseReturnValue:
        sent = body(Answered)
        place = Chat("push", sent.chat, message_id=sent.message_id if sent.data else sent.key)
        submission = Submission(
            f"push:{sent.key}", place, g.visitor.actor("push:console (the web console)"), text=sent.text or "",
            reply_to_message_id="" if sent.data else sent.message_id, reply_to_ours=not sent.data, button=sent.data,
            login_id=g.visitor.session_id,
        )  # fmt: skip
        return jsonify(present.shown(router.submit(submission)))


def _bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except ValueError:
        raise InvalidRequest("keys must be base64url") from None


def _origin() -> str:
    # Browsers say it with each POST; it was compared with our own before.
    return request.headers.get("Origin") or request.host_url.rstrip("/")
