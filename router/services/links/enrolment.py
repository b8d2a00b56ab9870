"""Who may connect: join tokens, machines, API keys. Secrets are shown once and kept hashed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from router.clock import Clock
from router.config import SettingsError
from router.domain.audit import AuditEvent
from router.domain.credentials import ApiKey, Role, hashed, matches, text_of
from router.domain.errors import Reason, Refusal
from router.domain.machine import Machine
from router.domain.session import checked_id, checked_label
from router.link.hub import Hub
from router.services.links.join_tokens import PIN, SECRET_BYTES, JoinTokens
from router.services.sessions import SessionService
from router.store import api_keys, audit, join_tokens, machines
from router.store.database import Transaction

KEY_PREFIX = "pmk_"  # told apart at a glance, and never taken for an option: what follows may begin with a hyphen
PUBLIC_KEY_BYTES = 32
_NOT_JOINING = "This join token is unknown, expired or used. Make a new one: pointsman machine token"
_PUT_OUT = "A machine with this key was put out. Its key stays out: enrol with a new one, with the same token."
_REVOKED_IN_SETTINGS = (
    "the {role} key in the settings was revoked: put another one into {name}, or delete the file {file} "
    "in the data directory and `pointsman up` makes a new one"
)


class Enrolment:
    """Lets machines and programs in, and puts them out. Active keys are also kept in memory: every call asks."""

    def __init__(
        self,
        hub: Hub,
        session_service: SessionService,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        fingerprint: str,
    ) -> None:
        self._hub = hub
        self._sessions = session_service
        self.join_tokens = JoinTokens(clock, random_bytes, fingerprint)
        self._clock = clock
        self._random_bytes = random_bytes
        self._keys: list[ApiKey] = []
        self._streams: dict[str, list[Callable[[], None]]] = {}  # by key: what ends each stream that it opened

    def load(self, tx: Transaction) -> None:
        """Read the keys at start."""
        self._keys = [key for key in api_keys.page(tx) if not key.revoked]

    def caller(self, secret: str) -> ApiKey | None:
        """The key with this secret, or None. Compares with every key, in constant time each."""
        # No early end: how long it takes must not tell which key it was.
        found = None
        for key in self._keys:
            if matches(secret, key.secret_hash):
                found = key
        return found

    @contextmanager
    def until_revoked(self, key_id: str, end: Callable[[], None]) -> Iterator[None]:
        """Call `end` when that key is revoked while the block runs. On the event loop."""
        ends = self._streams.setdefault(key_id, [])
        ends.append(end)
        try:
            yield
        finally:
            ends.remove(end)
            if not ends:
                self._streams.pop(key_id, None)

    def bootstrap(self, tx: Transaction, secret: str, role: Role) -> None:
        """Make sure that a key with this secret exists, of this role: one that the operator chose in the settings.

        Raises SettingsError when it was revoked: a start must not undo that.
        """
        if any(key.revoked and matches(secret, key.secret_hash) for key in api_keys.page(tx)):
            name = "ADAPTER_KEY" if role is Role.ADAPTER else "API_KEY"
            place = {"name": f"POINTSMAN_{name}", "file": name.lower()}
            raise SettingsError(_REVOKED_IN_SETTINGS.format(role=role.value, **place))
        if self.caller(secret) is None:
            key = ApiKey(self._key_id(), hashed(secret), "from the settings", role, self._clock.now())
            self._add(tx, key)
            self._audit(tx, AuditEvent.SETTINGS_KEY_TAKEN, key.key_id, f"role {role.value}")

    def create_key(self, tx: Transaction, label: str, role: Role) -> tuple[ApiKey, str]:
        """Make a key; returns it and its secret."""
        secret = KEY_PREFIX + text_of(self._random_bytes(SECRET_BYTES))
        key = ApiKey(self._key_id(), hashed(secret), checked_label(label), role, self._clock.now())
        self._add(tx, key)
        self._audit(tx, AuditEvent.KEY_CREATED, key.key_id, f"role {role.value}, label {key.label}")
        return key, secret

    def revoke_key(self, tx: Transaction, key_id: str) -> None:
        """End a key at once. Raises Refusal(NOT_FOUND)."""
        for key in api_keys.page(tx):
            if key.key_id == key_id:
                api_keys.write(tx, replace(key, revoked=True))
                self._audit(tx, AuditEvent.KEY_REVOKED, key_id, f"role {key.role.value}, label {key.label}")
                self.join_tokens.key_ended(tx, key_id)
                tx.after_commit(lambda: self._forget(key_id))
                return
        raise Refusal(Reason.NOT_FOUND, f"There is no key {key_id}. `pointsman apikey list` shows them.")

    def enrol(self, tx: Transaction, token: str, wanted_id: str, public_key: bytes) -> str:
        """Trade a token and a public key for a machine identity; the same pair may ask again. Raises Refusal."""
        if len(public_key) != PUBLIC_KEY_BYTES:
            raise Refusal(Reason.INVALID_ARGUMENT, "public_key must be the 32 raw bytes of an Ed25519 key")
        known = join_tokens.find(tx, hashed(token.partition(PIN)[0]))
        if known is None or (known.used_by_key is None and not known.is_open(self._clock.now())):
            raise Refusal(Reason.JOIN_TOKEN_INVALID, _NOT_JOINING)
        # Its answer was lost, and the same machine asks again; with another key it is somebody else.
        if known.used_by_key is not None:
            if known.used_by_key != public_key:
                raise Refusal(Reason.JOIN_TOKEN_INVALID, _NOT_JOINING)
            return known.used_as
        # Whoever stole it would be in again, too. The token is not used up: it waits for another key.
        if any(machine.revoked and machine.public_key == public_key for machine in machines.page(tx)):
            raise Refusal(Reason.MACHINE_REVOKED, _PUT_OUT)
        # The operator's word first: who has the token must not choose another machine's name.
        machine_id = checked_id(known.machine_id or wanted_id, "machine_id")
        self._write_machine(tx, machine_id, public_key)
        now = self._clock.now()
        join_tokens.write(tx, replace(known, used_by_key=public_key, used_as=machine_id, used_at=now))
        told = f"with join token {known.token_id} of {known.created_by}"
        self._audit(tx, AuditEvent.MACHINE_ENROLLED, machine_id, told)
        return machine_id

    def revoke_machine(self, tx: Transaction, machine_id: str, actor: str) -> int:
        """Put a machine out and close its link. Returns how many commands became dead letters. Raises Refusal."""
        machine = machines.find(tx, machine_id)
        if machine is None:
            raise Refusal(Reason.NOT_FOUND, f"There is no machine {machine_id}. `pointsman machines` lists them.")
        machines.write(tx, replace(machine, revoked=True))
        self._audit(tx, AuditEvent.MACHINE_REVOKED, machine_id)
        # Its commands first: they end by the revocation, and are not given back by a link that was lost.
        dead = self._sessions.end_all(tx, machine_id, actor)
        if link := self._hub.get(machine_id):
            self._hub.remove(tx, link)  # from now on nothing it says is heard
            tx.after_commit(lambda: link.close(Reason.MACHINE_REVOKED, "this machine was revoked"))
        return dead

    def _write_machine(self, tx: Transaction, machine_id: str, public_key: bytes) -> None:
        known = machines.find(tx, machine_id)
        # Else a token would be enough to take a machine's place.
        if known and not known.revoked and known.public_key != public_key:
            text = f"There is a machine {machine_id} already. Choose another name, or revoke it first."
            raise Refusal(Reason.ILLEGAL_STATE, text)
        now = self._clock.now()
        fresh = Machine(machine_id, public_key, now, key_made_at=now)
        if known:
            fresh = replace(
                known,
                public_key=public_key,
                revoked=False,
                quarantined=False,
                barred=(),
                is_bound=False,
                key_made_at=now,
            )
        machines.write(tx, fresh)

    def _add(self, tx: Transaction, key: ApiKey) -> None:
        api_keys.write(tx, key)
        # After the commit: a key that is not on disk must open nothing.
        tx.after_commit(lambda: self._keys.append(key))

    def _audit(self, tx: Transaction, event: AuditEvent, subject: str, detail: str = "") -> None:
        audit.record(tx, self._clock.now(), event, tx.caller, subject=subject, detail=detail)

    def _forget(self, key_id: str) -> None:
        self._keys = [key for key in self._keys if key.key_id != key_id]
        # A copy: each stream takes itself out as it ends.
        for end in tuple(self._streams.get(key_id, ())):
            end()

    def _key_id(self) -> str:
        return "key_" + text_of(self._random_bytes(6))
