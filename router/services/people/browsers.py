"""Browsers at the console: let in, asked about with each of their requests, and put out.

It is kept here, as the adapter keeps nothing: what was used up or closed stays so, whatever starts anew.
"""

from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain.audit import AuditEvent
from router.domain.browser import MAX_LABEL, Browser, checked_login
from router.domain.credentials import hashed
from router.domain.errors import Reason, Refusal
from router.domain.identity import Caller
from router.domain.person import Person
from router.domain.stranger import speakable
from router.domain.wording import people as wording
from router.services.people.pairing import Pairing
from router.services.people.subscriptions import Subscriptions, let_in
from router.store import audit, browsers, people, read_marks
from router.store.database import Transaction
from router.store.statements import Connection


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser came with: a link's id, or a pairing code; neither where the console has checked a key."""

    link_id: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a browser stands, and whose it is: None for whoever has the key."""

    is_open: bool = False
    is_known: bool = True
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Browsers:
    """Each call is one step inside one transaction."""

    _clock: Clock
    _pairing: Pairing
    _subscriptions: Subscriptions

    def open(self, tx: Transaction, login_id: str, lifetime: float, shown: Shown, label: str, caller: Caller) -> None:
        """Let a browser in, and use up what it showed. Raises Refusal, having written nothing."""
        checked_login(login_id, lifetime)
        link_hash, now = hashed(shown.link_id) if shown.link_id else "", self._clock.now()
        if link_hash and browsers.by_link(tx, link_hash):
            raise Refusal(Reason.ILLEGAL_STATE, "This login link was used before. `pointsman console` makes a new one.")
        browser = Browser(hashed(login_id), link_hash, speakable(label)[:MAX_LABEL], now, now + lifetime)
        if known := browsers.find(tx, browser.login_hash):
            # Said again after a lost answer; a link is known by now, so this came with a key.
            if known.is_open(now):
                return
            raise Refusal(Reason.ILLEGAL_STATE, "This login is over. Log in again.")
        how = "a login link" if shown.link_id else "the console's key"
        if shown.code:
            person = self._pairing.person_of(tx, shown.code, "browser", in_a_browser=True)
            browser, how = replace(browser, person_id=person.person_id), f"a pairing code, as {person.name}"
            self._pairing.tell(tx, person, wording.IN_A_BROWSER)
        browsers.insert(tx, browser)
        detail = f"with {how}: {browser.label}"
        audit.record(tx, now, AuditEvent.LOGIN, caller, subject=browser.browser_id, detail=detail)

    def look(self, on: Connection, login_id: str) -> Seen:
        """A browser by what it shows, or by the link that let it in."""
        browser = browsers.find(on, hashed(login_id)) or browsers.by_link(on, hashed(login_id))
        if browser is None:
            return Seen(is_known=False)
        is_open = browser.is_open(self._clock.now())
        return Seen(is_open, person=people.find(on, browser.person_id) if is_open else None)

    def person_of(self, on: Connection, login_id: str) -> Person | None:
        """Whose browser it is; None for whoever has the key. Raises Refusal for one that is not let in."""
        browser = browsers.find(on, hashed(login_id))
        person = people.find(on, browser.person_id) if browser else None
        if browser is None or not browser.is_open(self._clock.now()) or (browser.person_id and person is None):
            raise Refusal(Reason.NOT_PAIRED, "That browser is not let in, or not any more. Log in again.")
        return person

    def close(self, tx: Transaction, login_id: str, caller: Caller) -> None:
        """Let it in no more."""
        browser = browsers.find(tx, hashed(login_id))
        if browser is None or browser.is_closed:
            return
        browsers.close(tx, browser.login_hash)
        self._subscriptions.logged_out(tx, [browser])
        audit.record(tx, self._clock.now(), AuditEvent.LOGOUT, caller, subject=browser.browser_id)

    def read(self, tx: Transaction, login_id: str, session_id: str, notification_id: str) -> Person | None:
        """What a session said is before the eyes of a browser's person, up to this: that one. Raises Refusal."""
        person_id = let_in(tx, login_id, self._clock.now()).person_id
        read_marks.mark(tx, person_id, session_id, notification_id)
        return people.find(tx, person_id) if person_id else None

    def read_marks(self, on: Connection, login_id: str) -> dict[str, str]:
        """The newest notification that a browser's person has read, by session. Raises Refusal."""
        return read_marks.of(on, let_in(on, login_id, self._clock.now()).person_id)
