"""Browsers that take pushes: where, until when, and what they need not be told.

Who looks at a session now is kept in memory: it is said anew every few seconds.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable

from cryptography.hazmat.primitives.asymmetric import ec

from router.clock import Clock, time_of_day
from router.domain import quiet
from router.domain.audit import AuditEvent
from router.domain.browser import Browser
from router.domain.command import ChatRef
from router.domain.credentials import hashed
from router.domain.errors import Reason, Refusal
from router.domain.notification import Kind, Notification, Spared
from router.domain.subscription import LOOKED, MOST, PUSH, Address, Look, Subscription, as_text, checked, of_text
from router.seal import Seal
from router.services.outbox.placement import makes_no_sound
from router.services.outbox.status_messages import ALARMING
from router.store import audit, browsers, chats, meta, notifications, people, permissions, subscriptions
from router.store.database import Transaction
from router.store.statements import Connection

_KEY = "push_key"
_OUT = "This browser is not let in any more. Log in again."
_GONE = "This browser takes no pushes any more."
_NOBODY_THERE = "the browser takes no pushes any more"
_ANSWERED = "it was over before it was pushed"
_NEVER_SHOWN = "what it changes was not pushed"
_SHOWN_THERE = "the console shows how it stands"
_LOOKED_AT = "it is looked at in the console"
_SILENT = "quiet hours, or the session is muted"


class Subscriptions:
    """Each call is one step inside one transaction, on the writer's thread."""

    def __init__(self, seal: Seal, clock: Clock, new_id: Callable[[], str]) -> None:
        self._seal = seal
        self._clock = clock
        self._new_id = new_id
        self._looks: dict[str, Look] = {}  # by the hash of what a browser shows

    def key(self, tx: Transaction) -> bytes:
        """What pushes are signed with: a number of P-256, made at the first use and kept sealed."""
        if (sealed := meta.get(tx, _KEY)) and (known := self._seal.open(sealed)):
            return b64decode(known)
        # None yet, or sealed with a key that is gone: browsers subscribe anew where the key is another.
        secret = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(32, "big")
        meta.put(tx, _KEY, self._seal.close(b64encode(secret)))
        return secret

    def subscribe(self, tx: Transaction, login_id: str, address: Address, quiet_hours: str) -> Subscription:
        """Let a browser be pushed to, in place of what was kept for it. Raises Refusal, having written nothing."""
        browser = self._browser(tx, login_id)
        checked(address, quiet_hours)
        made = Subscription(
            self._new_id(), browser.login_hash, browser.person_id, hashed(address.endpoint),
            self._seal.close(as_text(address)), self._clock.now(), browser.expires_at, quiet_hours,
        )  # fmt: skip
        known = subscriptions.of_endpoint(tx, made.endpoint_hash)
        if known is None or not self._is_same(known, made, address):
            # A browser that logged in again has another login and the same address: nothing goes there twice.
            for old in (known, subscriptions.of_login(tx, made.login_hash), *self._surplus(tx, made)):
                self._drop(tx, old)
            subscriptions.insert(tx, made)
            self._note(tx, AuditEvent.SUBSCRIBED, browser, address.origin)
            return made
        subscriptions.set_quiet_hours(tx, known.chat_id, quiet_hours)
        return known

    def unsubscribe(self, tx: Transaction, login_id: str) -> None:
        """Let a browser be pushed to no more."""
        browser = self._browser(tx, login_id)
        if known := subscriptions.of_login(tx, browser.login_hash):
            self._drop(tx, known)
            self._note(tx, AuditEvent.UNSUBSCRIBED, browser, "")

    def address(self, on: Connection, chat_id: str) -> tuple[Address, bool]:
        """Where a push goes, and whether its browser is let in still. Raises Refusal for one that was put out."""
        known = subscriptions.find(on, chat_id)
        text = self._seal.open(known.sealed) if known else None
        if known is None or text is None:
            raise Refusal(Reason.NOT_FOUND, _GONE)
        return of_text(text), self._clock.now() < known.expires_at

    def look(self, tx: Transaction, login_id: str, session_id: str) -> None:
        """Somebody looks at a session in a browser, or at none any more."""
        browser = self._browser(tx, login_id)
        until = self._clock.monotonic() + LOOKED if session_id else 0.0
        over = [each for each, look in self._looks.items() if look.until < self._clock.monotonic()]
        for each in over:  # else everybody who ever looked would be remembered
            tx.pop(self._looks, each)
        tx.put(self._looks, browser.login_hash, Look(session_id, browser.person_id, until))

    def logged_out(self, tx: Transaction, ended: Iterable[Browser]) -> None:
        """These browsers are not let in any more."""
        for browser in ended:
            self._drop(tx, subscriptions.of_login(tx, browser.login_hash))

    def put_out(self, tx: Transaction, person_id: str) -> None:
        """A person is let in no more: nor is a browser of theirs whose time was over."""
        for each in subscriptions.page(tx):
            if each.person_id == person_id:
                self._drop(tx, each)

    def end(self, tx: Transaction, browser_id: str) -> bool:
        """Forget the one of a browser by what people call that, also where its time is over."""
        found = [each for each in subscriptions.page(tx) if _browser_id(each) == browser_id]
        for each in found:
            self._drop(tx, each)
        return bool(found)

    def closed(self, tx: Transaction, chat: ChatRef) -> None:
        """Its vendor takes nothing for it any more: the browser has let it go."""
        self._drop(tx, subscriptions.find(tx, chat.chat_id))

    def why_not(self, tx: Transaction, notification: Notification) -> str:
        """Why a notification need not be pushed; empty where it must, and for all other chats."""
        if notification.chat.transport != PUSH:
            return ""
        known = subscriptions.find(tx, notification.chat.chat_id)
        if known is None:
            return _NOBODY_THERE
        if notification.kind is Kind.STATUS and notification.command_state not in ALARMING:
            return _SHOWN_THERE
        if notification.edits:
            return self._why_no_change(tx, known, notification)
        # One that went out before may stand on a screen, though nobody said so: it is told that it is over.
        if notification.permission_id and notification.attempt == 0 and not self._is_open(tx, notification):
            return _ANSWERED
        if self._is_looked_at(notification.session_id, known.person_id):
            return _LOOKED_AT
        return _SILENT if self._is_silent(tx, known, notification) else ""

    def _why_no_change(self, tx: Transaction, known: Subscription, change: Notification) -> str:
        shown = notifications.find(tx, change.edits)
        if shown is None or not shown.message_ids:
            return _NEVER_SHOWN
        # Its own page takes it off the screen. Another browser of theirs may still show it.
        look = self._looks.get(known.login_hash)
        return _LOOKED_AT if look and self._holds(look, change.session_id) else ""

    def _is_open(self, tx: Transaction, notification: Notification) -> bool:
        asked = permissions.find(tx, notification.permission_id)
        return asked is not None and asked.is_open

    def _is_looked_at(self, session_id: str, person_id: str) -> bool:
        looks = (each for each in self._looks.values() if each.person_id == person_id)
        return any(self._holds(look, session_id) for look in looks)

    def _holds(self, look: Look, session_id: str) -> bool:
        return bool(session_id) and look.session_id == session_id and self._clock.monotonic() <= look.until

    def _is_silent(self, tx: Transaction, known: Subscription, notification: Notification) -> bool:
        """By what was asked for in any chat of its person: who wants quiet says so once."""
        now = self._clock.now()
        if notification.kind is not Kind.QUESTION and quiet.covers(known.quiet_hours, time_of_day(now)):
            return True
        theirs = [each.chat for each in people.chats(tx) if each.person_id == known.person_id]
        places = theirs if known.person_id else chats.defaults(tx)
        return any(makes_no_sound(tx, place, notification, now) for place in places)

    def _is_same(self, known: Subscription, made: Subscription, address: Address) -> bool:
        sealed = self._seal.open(known.sealed)
        return known.login_hash == made.login_hash and sealed is not None and of_text(sealed) == address

    def _surplus(self, tx: Transaction, made: Subscription) -> list[Subscription]:
        theirs = [each for each in subscriptions.page(tx) if each.person_id == made.person_id]
        return theirs[: max(0, len(theirs) + 1 - MOST)]

    def _drop(self, tx: Transaction, known: Subscription | None) -> None:
        if known is not None:
            subscriptions.delete(tx, known.chat_id)
            for waiting in notifications.queued_for(tx, known.chat):
                notifications.change(tx, waiting, Spared(_NOBODY_THERE), self._clock.now(), "router")

    def _browser(self, tx: Transaction, login_id: str) -> Browser:
        return let_in(tx, login_id, self._clock.now())

    def _note(self, tx: Transaction, event: AuditEvent, browser: Browser, detail: str) -> None:
        audit.record(tx, self._clock.now(), event, tx.caller, subject=browser.browser_id, detail=detail)


def let_in(on: Connection, login_id: str, now: float) -> Browser:
    """The browser that shows this. Raises Refusal for one that is not let in now (seconds since the epoch)."""
    browser = browsers.find(on, hashed(login_id))
    if browser is None or not browser.is_open(now):
        raise Refusal(Reason.ILLEGAL_STATE, _OUT)
    return browser


def _browser_id(subscription: Subscription) -> str:
    return Browser(subscription.login_hash, "", "", 0.0, 0.0).browser_id
