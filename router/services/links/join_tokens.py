"""Join tokens: made, listed, ended. Their secrets are shown once and kept hashed."""

from collections.abc import Callable

from msgspec.structs import replace

from router.clock import Clock
from router.domain.audit import AuditEvent
from router.domain.credentials import JOIN_TOKEN_TTL, LONGEST_JOIN_TOKEN_TTL, SECRET_BYTES, Principal, hashed, text_of
from router.domain.errors import Reason, Refusal
from router.domain.session import checked_id
from router.store import audit, join_tokens
from router.store.database import Transaction
from router.store.join_tokens import JoinToken
from router.store.statements import Connection

PREFIX = "pmj_"  # told apart at a glance, and never taken for an option: what follows may begin with a hyphen
PIN = "."  # between the secret of a join token and the fingerprint of the router that made it


class JoinTokens:
    """Rights to enrol. Each call is one step inside one transaction."""

    def __init__(self, clock: Clock, random_bytes: Callable[[int], bytes], fingerprint: str) -> None:
        self._clock = clock
        self._random_bytes = random_bytes
        self._fingerprint = fingerprint

    def create(self, tx: Transaction, machine_id: str, ttl: float | None, maker: Principal) -> tuple[JoinToken, str]:
        """Make a join token; returns it and what to hand over. `ttl` is in seconds. Raises Refusal."""
        if ttl is not None and not 0 < ttl <= LONGEST_JOIN_TOKEN_TTL:
            raise Refusal(Reason.INVALID_ARGUMENT, "ttl must be greater than zero and at most 30 days")
        if machine_id:
            checked_id(machine_id, "machine_id")
        secret = PREFIX + text_of(self._random_bytes(SECRET_BYTES))
        now, good_for = self._clock.now(), JOIN_TOKEN_TTL if ttl is None else ttl
        token = JoinToken(
            hashed(secret), machine_id, now + good_for, maker.name, created_at=now, made_with=maker.key_id
        )
        join_tokens.write(tx, token)
        self._audit(tx, AuditEvent.JOIN_CREATED, token, f"good for {good_for:.0f} s")
        # With it whoever gets the token knows this router from any other before they show it.
        return token, f"{secret}{PIN}{self._fingerprint}"

    def listed(self, on: Connection, *, include_over: bool) -> list[JoinToken]:
        """Those that would let somebody in, or all; newest first."""
        now = self._clock.now()
        return [token for token in join_tokens.page(on) if include_over or token.is_open(now)]

    def revoke(self, tx: Transaction, token_id: str) -> None:
        """End one at once; one that is over already stays so. Raises Refusal."""
        token = next((each for each in join_tokens.page(tx) if each.token_id == token_id), None)
        if token is None:
            text = f"There is no join token {token_id}. `pointsman machine tokens` lists them."
            raise Refusal(Reason.NOT_FOUND, text)
        if token.used_by_key is not None:
            text = f"This join token let {token.used_as} in. To put it out: pointsman machine revoke {token.used_as}"
            raise Refusal(Reason.ILLEGAL_STATE, text)
        if not token.revoked:
            self._end(tx, token)

    def key_ended(self, tx: Transaction, key_id: str) -> None:
        """End those that an API key made: whoever stole the key would come back with them."""
        for token in self.listed(tx, include_over=False):
            if token.made_with == key_id:
                self._end(tx, token)

    def _end(self, tx: Transaction, token: JoinToken) -> None:
        join_tokens.write(tx, replace(token, revoked=True))
        self._audit(tx, AuditEvent.JOIN_REVOKED, token, f"of {token.created_by}")

    def _audit(self, tx: Transaction, event: AuditEvent, token: JoinToken, detail: str) -> None:
        told = f"for {token.machine_id}, {detail}" if token.machine_id else detail
        audit.record(tx, self._clock.now(), event, tx.caller, subject=token.token_id, detail=told)
