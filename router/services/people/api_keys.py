"""API keys as they come and go: who calls, until when, and when they last did. Secrets are kept hashed."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from router.clock import Clock
from router.config import SettingsError
from router.domain.audit import AuditEvent
from router.domain.credentials import MAY_BE_LIMITED, SECRET_BYTES, ApiKey, Role, hashed, matches, text_of, utc
from router.domain.errors import Reason, Refusal
from router.domain.scope import EVERYTHING, Scope
from router.domain.session import checked_label
from router.services.links.join_tokens import JoinTokens
from router.store import api_keys, audit, callbacks
from router.store.database import Database, Transaction

logger = logging.getLogger(__name__)
# Told apart at a glance, and never taken for an option: what follows may begin with a hyphen.
KEY_PREFIX = "pmk_"
OVERLAP = 24 * 3600  # seconds, where nobody says
LONGEST_OVERLAP = 90 * 24 * 3600  # seconds
_REPLACED = "This API key has a new secret, and the one that was shown is over. Whoever rotated it has the new one."
_STILL_GOOD = (
    "Key {key_id} was rotated not long ago, and the secret before is good until {until}: rotate it again then, "
    "or at once, which ends both (pointsman apikey rotate --now)."
)
LONGEST_TTL = 10 * 365 * 24 * 3600.0  # seconds; who wants one for longer wants one without an end
_REVOKED_IN_SETTINGS = (
    "the {role} key in the settings was revoked: put another one into {name}, or delete the file {file} "
    "in the data directory and `pointsman up` makes a new one"
)

_NOT_LIMITED = (
    "A key of role {role} cannot be limited: an admin could make another one, and a door brings what all people write, "
    "each of whom `pointsman pair` can limit. Roles that can: operator, approver, viewer."
)

End = Callable[[Refusal], None]


class ApiKeys:
    """All keys that are not revoked are kept in memory: every call asks. What is not in a transaction is the loop's."""

    def __init__(
        self, database: Database, clock: Clock, random_bytes: Callable[[int], bytes], join_tokens: JoinTokens
    ) -> None:
        self._database = database
        self._join_tokens = join_tokens
        self._clock = clock
        self._random_bytes = random_bytes
        self._keys: dict[str, ApiKey] = {}
        self._streams: dict[str, list[tuple[str, End]]] = {}  # by key: the secret that opened each, and what ends it
        self._used: dict[str, float] = {}  # by key: when it was shown last
        self._written: dict[str, float] = {}  # what is on disk of that
        self._over: set[str] = set()  # those whose time is over, which is done with

    def load(self, tx: Transaction) -> None:
        """Read the keys at start."""
        self._keys = {key.key_id: key for key in api_keys.page(tx) if not key.revoked}

    def holder(self, secret: str) -> tuple[ApiKey, str] | None:
        """The key that has or had this secret, and the hash of that; None for nobody's.

        Also one whose time is over. Compares with every key, in constant time each.
        """
        # No early end: how long it takes must not tell which key it was.
        found, shown = None, hashed(secret)
        for key in self._keys.values():
            for each in (key.secret_hash, *key.former):
                if matches(shown, each):
                    found = key
        return (found, shown) if found else None

    def use(self, key: ApiKey, shown: str) -> None:
        """A secret of a key was shown. Raises Refusal where its time is over."""
        now = self._clock.now()
        if refusal := _refusal(key, shown, now):
            raise refusal
        self._used[key.key_id] = now  # no write of its own: `write_uses` takes it along
        if key.former and key.taken_at is None and shown == key.secret_hash:
            self._keys[key.key_id] = replace(key, taken_at=now)
            # Soon, unlike the rest: who rotates next must not throw away a secret that is in use.
            self._database.write(self.write_uses, lazy=True).add_done_callback(_looked_at)

    def check(self, key_id: str, shown: str) -> None:
        """Raise Refusal where a key that was let in is revoked by now, or that secret of it over."""
        key = self._keys.get(key_id)
        if why := _revoked() if key is None else _refusal(key, shown, self._clock.now()):
            raise why

    @contextmanager
    def until_over(self, key_id: str, shown: str, end: End) -> Iterator[None]:
        """Call `end` with the reason when that key is revoked, or its secret is over, while the block runs.

        Raises Refusal where it is so already: between its use and the block it may have been.
        """
        if not key_id:  # of somebody who has no key
            yield
            return
        self.check(key_id, shown)
        ends, mine = self._streams.setdefault(key_id, []), (shown, end)
        ends.append(mine)
        try:
            yield
        finally:
            self._used[key_id] = self._clock.now()
            ends.remove(mine)
            if not ends:
                self._streams.pop(key_id, None)

    def live(self, key: ApiKey) -> ApiKey:
        """What is known of a key now, beside what is on disk. A stream that is open uses its key."""
        used_at = self._clock.now() if key.key_id in self._streams else self._used.get(key.key_id, key.used_at)
        return replace(self._taken(key), used_at=used_at)

    def write_uses(self, tx: Transaction) -> None:
        """Put on disk when keys were last used, where that is news. After a kill what is there is a minute old."""
        now = self._clock.now()
        fresh = self._used.copy() | dict.fromkeys(tuple(self._streams), now)  # copies: the loop goes on meanwhile
        fresh = {key_id: at for key_id, at in fresh.items() if at != self._written.get(key_id)}
        for key_id, at in fresh.items():
            api_keys.used(tx, key_id, at)
            if (key := self._keys.get(key_id)) and key.former and key.taken_at is not None:
                api_keys.taken(tx, key)
        tx.after_commit(lambda: self._written.update(fresh))

    def expire(self, tx: Transaction) -> float | None:
        """End what hangs on keys whose time is over; when that of the next one will be."""
        now, keys = self._clock.now(), tuple(self._keys.values())
        for key in keys:
            if key.is_over(now) and key.key_id not in self._over:
                self._end_what_it_made(tx, key.key_id)
                tx.after_commit(lambda gone=key: self._over.add(gone.key_id))  # type: ignore[misc]
        tx.after_commit(self._end_what_is_over)
        ends = [at for key in keys for at in (key.expires_at, key.former_until) if at is not None]
        return min((at for at in ends if at > now), default=None)

    def bootstrap(self, tx: Transaction, secret: str, role: Role) -> None:
        """Make sure that a key with this secret exists, of this role: one that the operator chose in the settings.

        Raises SettingsError when it was revoked: a start must not undo that.
        """
        shown = hashed(secret)
        if any(key.revoked and shown in (key.secret_hash, *key.former) for key in api_keys.page(tx)):
            name = "ADAPTER_KEY" if role is Role.ADAPTER else "API_KEY"
            place = {"name": f"POINTSMAN_{name}", "file": name.lower()}
            raise SettingsError(_REVOKED_IN_SETTINGS.format(role=role.value, **place))
        # One that was rotated is known, too: the key has another secret, and a start does not bring the old one back.
        if self.holder(secret) is None:
            key = ApiKey(self._key_id(), hashed(secret), "from the settings", role, self._clock.now())
            self._put(tx, key)
            self._audit(tx, AuditEvent.SETTINGS_KEY_TAKEN, key.key_id, f"role {role.value}")

    def create(
        self, tx: Transaction, label: str, role: Role, ttl: float | None = None, scope: Scope = EVERYTHING
    ) -> tuple[ApiKey, str]:
        """Make a key that is good for `ttl` seconds, or for good; returns it and its secret. Raises Refusal."""
        if scope.checked().is_limited and role not in MAY_BE_LIMITED:
            raise Refusal(Reason.INVALID_ARGUMENT, _NOT_LIMITED.format(role=role.value))
        if ttl is not None and not 0 < ttl <= LONGEST_TTL:
            raise Refusal(Reason.INVALID_ARGUMENT, "ttl must be greater than zero and at most ten years")
        now, secret = self._clock.now(), self._secret()
        expires_at = None if ttl is None else now + ttl
        key = ApiKey(
            self._key_id(), hashed(secret), checked_label(label), role, now, expires_at=expires_at,
            machines=scope.machines, sessions=scope.sessions,
        )  # fmt: skip
        self._put(tx, key)
        until = "" if expires_at is None else f", good until {utc(expires_at)}"
        told = f"role {role.value}, label {key.label}{until}{_told(scope)}"
        self._audit(tx, AuditEvent.KEY_CREATED, key.key_id, told)
        return key, secret

    def rotate(self, tx: Transaction, key_id: str, digest: str, overlap: int) -> tuple[ApiKey, str]:
        """Give a key another secret; returns both. `digest`, of its secret, stands in for its id. Raises Refusal."""
        if not 0 <= overlap <= LONGEST_OVERLAP:
            raise Refusal(Reason.INVALID_ARGUMENT, "overlap must be at most 90 days, and not less than nothing")
        now, secret = self._clock.now(), self._secret()
        key = self._taken(self._known(tx, key_id, digest))
        if key.revoked or key.is_over(now):
            raise Refusal(Reason.ILLEGAL_STATE, f"Key {key.key_id} is over. Make a new one: pointsman apikey create")
        if overlap > 0 and key.taken_at is not None and key.has_former(now):
            until = utc(key.former_until or now)
            raise Refusal(Reason.ILLEGAL_STATE, _STILL_GOOD.format(key_id=key.key_id, until=until))
        key = key.rotated(hashed(secret), overlap)
        self._put(tx, key)
        tx.after_commit(self._end_what_is_over)
        good = f"the secret before is good for {overlap} s from the new one's first use" if overlap else "at once"
        self._audit(tx, AuditEvent.KEY_ROTATED, key.key_id, f"role {key.role.value}, label {key.label}, {good}")
        return key, secret

    def revoke(self, tx: Transaction, key_id: str) -> None:
        """End a key at once. Raises Refusal(NOT_FOUND)."""
        key = self._known(tx, key_id)
        api_keys.write(tx, replace(key, revoked=True))
        self._audit(tx, AuditEvent.KEY_REVOKED, key_id, f"role {key.role.value}, label {key.label}")
        self._end_what_it_made(tx, key_id)
        tx.after_commit(lambda: self._forget(key_id))

    def _end_what_it_made(self, tx: Transaction, key_id: str) -> None:
        self._join_tokens.key_ended(tx, key_id)
        callbacks.key_ended(tx, key_id)

    def _known(self, tx: Transaction, key_id: str, digest: str = "") -> ApiKey:
        for key in api_keys.page(tx):
            if key.key_id == key_id or (digest and not key.revoked and key.takes(digest, self._clock.now())):
                return key
        raise Refusal(Reason.NOT_FOUND, f"There is no key {key_id[:128]}. `pointsman apikey list` shows them.")

    def _put(self, tx: Transaction, key: ApiKey) -> None:
        api_keys.write(tx, key)
        # After the commit: a key that is not on disk must open nothing.
        tx.after_commit(lambda: self._keys.update({key.key_id: key}))

    def _forget(self, key_id: str) -> None:
        self._keys.pop(key_id, None)
        self._end_streams(key_id, _revoked())

    def _taken(self, key: ApiKey) -> ApiKey:
        """With what is not on disk yet of when its secret was first used."""
        known = self._keys.get(key.key_id)
        same = known is not None and known.secret_hash == key.secret_hash
        return replace(key, taken_at=known.taken_at) if known and same else key

    def _end_what_is_over(self) -> None:
        now = self._clock.now()
        for key_id in tuple(self._streams):
            key = self._keys.get(key_id)
            # A copy: each stream takes itself out as it ends.
            for shown, end in tuple(self._streams.get(key_id, ())):
                if key and (why := _refusal(key, shown, now)):
                    end(why)

    def _end_streams(self, key_id: str, why: Refusal) -> None:
        for _, end in tuple(self._streams.get(key_id, ())):
            end(why)

    def _audit(self, tx: Transaction, event: AuditEvent, subject: str, detail: str = "") -> None:
        audit.record(tx, self._clock.now(), event, tx.caller, subject=subject, detail=detail)

    def _secret(self) -> str:
        return KEY_PREFIX + text_of(self._random_bytes(SECRET_BYTES))

    def _key_id(self) -> str:
        return "key_" + text_of(self._random_bytes(6))


def _told(scope: Scope) -> str:
    patterns = {"machines": scope.machines, "sessions": scope.sessions}
    return "".join(f", {what} {' '.join(named)}" for what, named in patterns.items() if named)


def _revoked() -> Refusal:
    return Refusal(Reason.UNAUTHENTICATED, "This API key was revoked.")


def _refusal(key: ApiKey, shown: str, now: float) -> Refusal | None:
    """Why a secret of a key opens nothing any more."""
    if key.is_over(now):
        return _over(key)
    return None if key.takes(shown, now) else Refusal(Reason.KEY_EXPIRED, _REPLACED)


def _looked_at(written: "asyncio.Future[None]") -> None:
    if not written.cancelled() and (error := written.exception()):
        logger.warning("it is not on disk when a key was used: %s", error)


def _over(key: ApiKey) -> Refusal:
    made = f"Whoever has a key of the role admin makes a new one: pointsman apikey create --role {key.role.value}"
    return Refusal(Reason.KEY_EXPIRED, f"This API key expired on {utc(key.expires_at or 0.0)}. {made}")
