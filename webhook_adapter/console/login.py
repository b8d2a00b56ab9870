"""Who may see the console: one-time links, the API key, the session cookie, CSRF tokens.

Nothing is stored here: each secret is derived from the adapter's API key under a name of its own, so another key ends
every session. Which links were used and which sessions are open, the router keeps: a restart must not bring them back.
Failed attempts are remembered in the one process.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from itsdangerous import BadData, URLSafeSerializer

from pointsman.client.errors import RouterError
from webhook_adapter.auth import is_secret
from webhook_adapter.console.ports import BrowserLogins
from webhook_adapter.limit import Limit
from webhook_adapter.model import Browser, Shown

PAIRING_CODE = re.compile(r"(?:[A-Za-z0-9]{4}[- ]?){2}[A-Za-z0-9]{4}")  # an API key is twice as long
LINK_LIFETIME = 10 * 60.0  # seconds; time to walk to another device, not to leave the link lying about
SESSION_LIFETIME = 12 * 3600.0  # seconds
FORM_LIFETIME = 3600.0  # seconds; who comes back later gets another one
ATTEMPTS, ATTEMPTS_A_SECOND = 5, 1 / 12


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


class LoginGuard:
    """Decides who is in. All methods may be called from any thread; those that ask the router raise RouterError."""

    def __init__(self, api_key: str, logins: BrowserLogins) -> None:
        self._api_key = api_key
        self._forms = _Tokens(api_key, "login form")
        self._logins = logins
        self._links = _Tokens(api_key, "login link")
        self._cookies = _Tokens(api_key, "session cookie")
        self._csrf_key = _derive(api_key, "csrf token").encode()
        self.attempts = Limit(ATTEMPTS_A_SECOND, ATTEMPTS)  # that fail, of one browser
        # Cookies know no ports: two installs on one host must not overwrite each other's.
        self.cookie_name = f"pointsman_{_derive(api_key, 'cookie name')[:8]}"
        self.form_name = f"{self.cookie_name}_form"

    def cookie_for_link(self, token: str, now: float, label: str) -> str | None:
        """A new session cookie for a login link's first use; None when it is forged, over or used."""
        known = self._links.read(token, now)
        return None if known is None else self._let_in(now, Shown(link_id=known[0]), label)

    def takes_link(self, token: str, now: float) -> bool:
        """Whether a login link is still good; does not use it up."""
        known = self._links.read(token, now)
        return known is not None and not self._logins.browser(known[0]).is_known

    def cookie_for_own_key(self, api_key: str, now: float, label: str) -> str | None:
        """A new session cookie for the adapter's own API key. It is compared here, so nobody needs to wait for it."""
        return self._let_in(now, Shown(), label) if is_secret(api_key, self._api_key) else None

    def cookie_for_key(self, api_key: str, now: float, label: str) -> str | None:
        """A new session cookie for an API key that may do everything."""
        return self._let_in(now, Shown(), label) if self._logins.is_admin(api_key) else None

    def cookie_for_code(self, code: str, now: float, label: str) -> str | None:
        """A new session cookie for a pairing code's first use; None when it is none."""
        return self._let_in(now, Shown(code=code), label) if PAIRING_CODE.fullmatch(code) else None

    def form(self, now: float) -> str:
        """What tells a browser that was given the form from others behind the same proxy."""
        return self._forms.issue(now + FORM_LIFETIME)[0]

    def who_tries(self, form: str, peer: str, now: float) -> str:
        """Whose attempt it is: that of the browser which was given the form, else of everybody there."""
        known = self._forms.read(form, now)
        return peer if known is None else f"form {known[0]}"

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
