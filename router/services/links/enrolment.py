"""Which machines may connect: enrolment, and putting them out."""

from collections.abc import Callable

from msgspec.structs import replace

from router.clock import Clock
from router.domain.audit import AuditEvent
from router.domain.credentials import hashed
from router.domain.errors import Reason, Refusal
from router.domain.machine import Machine
from router.domain.session import checked_id
from router.link.hub import Hub
from router.services.links.join_tokens import PIN, JoinTokens
from router.services.sessions import SessionService
from router.store import audit, join_tokens, machines
from router.store.database import Transaction

PUBLIC_KEY_BYTES = 32
_NOT_JOINING = "This join token is unknown, expired or used. Make a new one: pointsman machine token"
_PUT_OUT = "A machine with this key was put out. Its key stays out: enrol with a new one, with the same token."


class Enrolment:
    """Lets machines in, and puts them out."""

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
        if machines.is_over(tx, public_key):
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
                former_key=known.former_key if known.public_key == public_key else known.public_key,
                key_wanted=False,
            )
        machines.write(tx, fresh)

    def _audit(self, tx: Transaction, event: AuditEvent, subject: str, detail: str = "") -> None:
        audit.record(tx, self._clock.now(), event, tx.caller, subject=subject, detail=detail)
