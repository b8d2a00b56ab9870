"""Worker tokens: JWTs that an agent signs with its machine's key for the program of one session."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec.structs import replace

from router.api.errors import refusal_of
from router.clock import Clock
from router.domain import worker
from router.domain.errors import Reason, Refusal
from router.domain.machine import Machine
from router.domain.session import Session
from router.domain.worker import CLOCK_LEEWAY, LONGEST, ROLE, Worker
from router.services.wakeups import Wakeups, set_within
from router.store import machines, sessions
from router.store.database import Database, Transaction

LOOK = 30.0  # seconds between looks at an open stream when nothing wakes it
_BAD = "This worker token is not valid. Ask the agent of its machine for a new one: it writes one for each session."
# The times are judged by our steady clock.
_OPTIONS = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["exp", "iat", "sub", "aud"]}


class WorkerTokens:
    """Judges them: at each call, in the transaction of what it changes, and while a stream is open."""

    def __init__(
        self, database: Database, wakeups: Wakeups, clock: Clock, router_id: str, nobodys: Ed25519PublicKey
    ) -> None:
        self._database = database
        self._wakeups = wakeups
        self._clock = clock
        self._router_id = router_id
        self._nobodys = nobodys

    async def admit(self, token: str) -> Worker:
        """Whose it is. Raises Refusal."""
        try:
            # Unverified: it only says whose key to verify with.
            said = jwt.decode(token, options={"verify_signature": False})
            machine_id, session_id = str(said.get("sub", "")), str(said.get("session", ""))
            machine, session = await self._database.read(lambda c: _both(c, machine_id, session_id))
            # Of a machine that is not there, as long and with the same answer: nobody asks for names.
            key = Ed25519PublicKey.from_public_bytes(machine.public_key) if machine else self._nobodys
            claims = jwt.decode(token, key, algorithms=["EdDSA"], audience=self._router_id, options=_OPTIONS)  # type: ignore[arg-type]
            held = replace(_held(claims, self._clock.now()), public_key=machine.public_key if machine else b"")
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise Refusal(Reason.UNAUTHENTICATED, _BAD) from None
        worker.check(held, machine, session, self._clock.now())
        return replace(held, session_id=session.session_id) if session else held  # as the router spells it

    async def check(self, held: Worker) -> None:
        """Raise Refusal where the token is over by now."""
        machine, session = await self._database.read(lambda c: _both(c, held.machine_id, held.session_id))
        worker.check(held, machine, session, self._clock.now())

    @contextmanager
    def until_over(self, held: Worker, end: Callable[[Refusal], None]) -> Iterator[None]:
        """Call `end` when the token is over while the block runs: a stream may last for weeks."""
        watching = asyncio.create_task(self._watch(held, end), name="worker token")
        try:
            yield
        finally:
            watching.cancel()

    async def _watch(self, held: Worker, end: Callable[[Refusal], None]) -> None:
        try:
            await self._over(held)
        except Exception as error:  # noqa: BLE001 - also where nobody knows: a stream that is not judged is ended
            end(refusal_of(error))

    async def _over(self, held: Worker) -> None:
        """Raises Refusal once the token is over."""
        with self._wakeups.on(held.session_id) as changed:
            while True:
                changed.clear()  # before the look: what happens meanwhile wakes again
                await self.check(held)
                left = held.expires_at + CLOCK_LEEWAY - self._clock.now()
                await set_within(changed, min(LOOK, left + 1.0))


def check_own(tx: Transaction | sqlite3.Connection, held: Worker | None, session_id: str, now: float) -> None:
    """Raise Refusal unless whoever calls is no worker, or is one of that very session, still."""
    if held is None:
        return
    machine, session = _both(tx, held.machine_id, held.session_id)
    worker.check(held, machine, session, now)
    named = sessions.find(tx, session_id)
    if named is None or session is None or named.session_id != session.session_id:
        raise worker.elsewhere(held)


def _both(
    on: Transaction | sqlite3.Connection, machine_id: str, session_id: str
) -> tuple[Machine | None, Session | None]:
    return machines.find(on, machine_id), sessions.find(on, session_id)


def _held(claims: Mapping[str, Any], now: float) -> Worker:
    """What the claims say. Raises ValueError where they are no worker's, Refusal where the clocks differ."""
    session_id, generation, issuer = claims.get("session"), claims.get("generation"), claims.get("iss")
    issued, expires = float(claims["iat"]), float(claims["exp"])
    is_whole = isinstance(session_id, str) and type(generation) is int and issuer == claims["sub"]
    # One that is good for long is worth stealing.
    if claims.get("role") != ROLE or not is_whole or not 0 < expires - issued <= LONGEST:
        raise ValueError("no worker token")
    if max(issued, float(claims.get("nbf", issued))) - CLOCK_LEEWAY > now:
        text = f"The machine's clock is off: the router's says {now:.0f} seconds since 1970."
        raise Refusal(Reason.CLOCK_SKEW, text, router_time=f"{now:.3f}")
    return Worker(str(claims["sub"]), str(session_id), int(str(generation)), expires)
