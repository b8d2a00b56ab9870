"""Who may see the console: one-time links, the API key, the session cookie, CSRF tokens.

Nothing is stored here: each secret is derived from the adapter's API key under a name of its own, so another key ends
every session. Which links were used and which sessions are open, the router keeps: a restart must not bring them back.
Failed attempts are remembered in the one process.
"""

import hashlib
import hmac
import re
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import urlencode

from itsdangerous import BadData, URLSafeSerializer

from pointsman.client.errors import RouterError
from webhook_adapter.auth import is_secret
from webhook_adapter.console.ports import BrowserLogins
from webhook_adapter.model import Browser, Shown

PAIRING_CODE = re.compile(r"(?:[A-Za-z0-9]{4}[- ]?){2}[A-Za-z0-9]{4}")  # an API key is twice as long
LINK_LIFETIME = 10 * 60.0  # seconds; time to walk to another device, not to leave the link lying about
SESSION_LIFETIME = 12 * 3600.0  # seconds
ATTEMPTS = 5
ATTEMPT_WINDOW = 60.0  # seconds
REMEMBERED_PEERS = 1024  # bounds memory; the key has 256 bits, so forgetting a peer costs nothing


def _derive(api_key: str, purpose: str) -> str:
    return hmac.new(api_key.encode(), f"pointsman console {purpose}".encode(), hashlib.sha256).hexdigest()


def login_link(base_url: str, api_key: str, now: float) -> str:
    """An address that logs its first visitor in, within ten minutes of `now` (seconds since 1970)."""
    token, _ = _Tokens(api_key, "login link").issue(now + LINK_LIFETIME)
    return f"{base_url.rstrip('/')}/console/login?{urlencode({'token': token})}"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Someone with a good session cookie; `csrf` must come back with everything that changes something."""

    session_id: str
    expires_at: float
    csrf: str
    person_name: str = ""  # empty for whoever has the key, or a link of `pointsman console`
    role: str = ""  # what that person may; empty: everything

    def actor(self, nobody: str) -> str:
        """Who they are, for people to read; `nobody` where nobody knows."""
        return f"web:console ({self.person_name})" if self.person_name else nobody


class _Tokens:
    """Signed tokens of one purpose: a random id and a time of expiry."""

    def __init__(self, api_key: str, purpose: str) -> None:
        self._serializer = URLSafeSerializer(_derive(api_key, purpose), salt=purpose)

    def issue(self, expires_at: float) -> tuple[str, str]:
        """A token, and the id in it."""
        token_id = secrets.token_urlsafe(24)
        return str(self._serializer.dumps([token_id, expires_at])), token_id

    def read(self, token: str, now: float) -> tuple[str, float] | None:
        """Its id and expiry; None when it is forged or over."""
        try:
            token_id, expires_at = self._serializer.loads(token)
        except (BadData, TypeError, ValueError):
            return None
        return (token_id, expires_at) if now < expires_at else None


class Attempts:
    """Failed attempts per peer; more than five within a minute are not looked at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, peer: str, now: float) -> float:
        """Seconds until this peer may try again; 0 means now."""
        with self._lock:
            recent = [at for at in self._failed.get(peer, []) if now - at < ATTEMPT_WINDOW]
        return recent[-ATTEMPTS] + ATTEMPT_WINDOW - now if len(recent) >= ATTEMPTS else 0.0

    def failed(self, peer: str, now: float) -> None:
        """Count one."""
        with self._lock:
            self._failed[peer] = [*self._failed.pop(peer, []), now][-ATTEMPTS:]
            while len(self._failed) > REMEMBERED_PEERS:
                self._failed.popitem(last=False)  # whose last failure is the oldest


class LoginGuard:
    """Decides who is in. All methods may be called from any thread; those that ask the router raise RouterError."""

    def __init__(self, api_key: str, logins: BrowserLogins) -> None:
        self._api_key = api_key
        self._logins = logins
        self._links = _Tokens(api_key, "login link")
        self._cookies = _Tokens(api_key, "session cookie")
        self._csrf_key = _derive(api_key, "csrf token").encode()
        self.attempts = Attempts()
        # Cookies know no ports: two installs on one host must not overwrite each other's.
        self.cookie_name = f"pointsman_{_derive(api_key, 'cookie name')[:8]}"

    def cookie_for_link(self, token: str, now: float, label: str) -> str | None:
        """A new session cookie for a login link's first use; None when it is forged, over or used."""
        known = self._links.read(token, now)
        return None if known is None else self._let_in(now, Shown(link_id=known[0]), label)

    def takes_link(self, token: str, now: float) -> bool:
        """Whether a login link is still good; does not use it up."""
        known = self._links.read(token, now)
        return known is not None and not self._logins.browser(known[0]).is_known

    def cookie_for_key(self, api_key: str, now: float, label: str) -> str | None:
        """A new session cookie for an API key that may do everything."""
        # The adapter's own one too: where there is only one, it is both. In constant time.
        good = is_secret(api_key, self._api_key) or self._logins.is_admin(api_key)
        return self._let_in(now, Shown(), label) if good else None

    def cookie_for_code(self, code: str, now: float, label: str) -> str | None:
        """A new session cookie for a pairing code's first use; None when it is none."""
        return self._let_in(now, Shown(code=code), label) if PAIRING_CODE.fullmatch(code) else None

    def holder(self, cookie: str, now: float) -> Visitor | None:
        """Whose cookie this is; None when it is forged or over. Whether they are let in still, says `is_in`."""
        known = self._cookies.read(cookie, now)
        if known is None:
            return None
        csrf = hmac.new(self._csrf_key, known[0].encode(), hashlib.sha256).hexdigest()
        return Visitor(known[0], known[1], csrf)

    def seen(self, visitor: Visitor) -> Browser:
        """How their session stands, and whose it is."""
        return self._logins.browser(visitor.session_id)

    def is_from_page(self, visitor: Visitor, csrf: str) -> bool:
        """The request carries this session's CSRF token; compares in constant time."""
        return is_secret(csrf, visitor.csrf)

    def log_out(self, visitor: Visitor) -> None:
        """Its cookie is good for nothing from now on."""
        self._logins.close_browser(visitor.session_id)

    def _let_in(self, now: float, shown: Shown, label: str) -> str | None:
        cookie, session_id = self._cookies.issue(now + SESSION_LIFETIME)
        try:
            self._logins.open_browser(session_id, SESSION_LIFETIME, shown, label)
        except RouterError as error:
            # Used before, or no code. What else goes wrong is no answer to who this is.
            if error.status != "FAILED_PRECONDITION" and error.code != "PAIRING_CODE_INVALID":
                raise
            return None
        return cookie
