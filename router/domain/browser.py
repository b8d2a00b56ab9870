"""A browser that was let into the console."""

from msgspec import Struct

from router.domain.errors import Reason, Refusal

LONGEST = 24 * 3600.0  # seconds that a browser is let in for
MAX_LABEL = 64  # characters
_SHORTEST_ID, _LONGEST_ID = 16, 128  # characters: nobody tries all ids of so many


class Browser(Struct, frozen=True):
    """By the hash of what it shows; `link_hash` is that of the login link that was used up, or empty."""

    login_hash: str
    link_hash: str
    label: str
    created_at: float
    expires_at: float
    is_closed: bool = False
    person_id: str = ""  # whose it is; empty for whoever has the key, or a link of the console

    @property
    def browser_id(self) -> str:
        """Names it for people, and opens nothing."""
        return f"browser_{self.login_hash[:12]}"

    def is_open(self, now: float) -> bool:
        """It is let in."""
        return not self.is_closed and now < self.expires_at


def checked_login(login_id: str, lifetime: float) -> None:
    """Raises Refusal for an id that can be guessed, or a time without an end."""
    if not _SHORTEST_ID <= len(login_id) <= _LONGEST_ID:
        raise Refusal(Reason.INVALID_ARGUMENT, f"login_id must have {_SHORTEST_ID} to {_LONGEST_ID} characters")
    if not 0 < lifetime <= LONGEST:
        raise Refusal(Reason.INVALID_ARGUMENT, "lifetime must be greater than zero and at most 24 hours")
