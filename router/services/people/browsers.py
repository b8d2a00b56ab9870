"""Browsers at the console: let in, asked about with each of their requests, and put out.

It is kept here, as the adapter keeps nothing: what was used up or closed stays so, whatever starts anew.
"""

from dataclasses import dataclass

from router.clock import Clock
from router.domain.audit import AuditEvent
from router.domain.browser import MAX_LABEL, Browser, checked_login
from router.domain.credentials import hashed
from router.domain.errors import Reason, Refusal
from router.domain.identity import Caller
from router.domain.stranger import speakable
from router.store import audit, browsers
from router.store.database import Transaction
from router.store.statements import Connection


@dataclass(frozen=True, slots=True)
class Browsers:
    """Each call is one step inside one transaction."""

    _clock: Clock

    def open(self, tx: Transaction, login_id: str, lifetime: float, link_id: str, label: str, caller: Caller) -> None:
        """Let a browser in, and use its login link up. Raises Refusal, having written nothing."""
        checked_login(login_id, lifetime)
        link_hash, now = hashed(link_id) if link_id else "", self._clock.now()
        if link_hash and browsers.by_link(tx, link_hash):
            raise Refusal(Reason.ILLEGAL_STATE, "This login link was used before. `pointsman console` makes a new one.")
        browser = Browser(hashed(login_id), link_hash, speakable(label)[:MAX_LABEL], now, now + lifetime)
        if known := browsers.find(tx, browser.login_hash):
            # Said again after a lost answer; a link is known by now, so this came with a key.
            if known.is_open(now):
                return
            raise Refusal(Reason.ILLEGAL_STATE, "This login is over. Log in again.")
        browsers.insert(tx, browser)
        how = "a login link" if link_id else "the console's key"
        audit.record(
            tx, now, AuditEvent.LOGIN, caller, subject=browser.browser_id, detail=f"with {how}: {browser.label}"
        )

    def look(self, on: Connection, login_id: str) -> tuple[bool, bool]:
        """Whether it is let in; and whether it, or what this link let in, is known at all."""
        browser = browsers.find(on, hashed(login_id)) or browsers.by_link(on, hashed(login_id))
        return browser is not None and browser.is_open(self._clock.now()), browser is not None

    def close(self, tx: Transaction, login_id: str, caller: Caller) -> None:
        """Let it in no more."""
        browser = browsers.find(tx, hashed(login_id))
        if browser is None or browser.is_closed:
            return
        browsers.close(tx, browser.login_hash)
        audit.record(tx, self._clock.now(), AuditEvent.LOGOUT, caller, subject=browser.browser_id)
