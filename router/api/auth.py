"""Who calls, and whether they may: what access.py does not list is refused."""

import json
from base64 import b64decode
from collections.abc import Mapping
from contextlib import AbstractContextManager

import grpc
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from router.api.access import IN_SCOPE, OF_WORKERS, POLICY, Access
from router.api.body_limits import address
from router.api.call_limits import CallLimits
from router.api.key_limits import WrongKeys
from router.api.turns import Turns
from router.api.worker_tokens import WorkerTokens
from router.clock import Clock
from router.domain import machine_key
from router.domain.credentials import AUDIENCE, JWT_MAX_AGE, ApiKey, Principal, Role
from router.domain.errors import Reason, Refusal
from router.domain.identity import Caller
from router.domain.machine import Machine
from router.domain.worker import CLOCK_LEEWAY, may_not
from router.services.links.machine_keys import MachineKeys
from router.services.people.api_keys import ApiKeys, End
from router.services.refusals import OF_ACCESS, Refusals
from router.services.wakeups import Wakeups
from router.store import machines
from router.store.database import Database
from router.store.group_reads import GroupReads

STRANGER = Principal("anyone")
_ABOUT_ALL = "is about all machines and sessions, and this key is limited to some. It needs a key that is not."
_NOT_VALID = "The machine's credential is not valid. Enrol it again."
_NO_MACHINE = "This credential has a role and is no machine's. Show one without."


class _NotOfWorkers(Refusal):
    """The no to one whose token is good: the audit tells whose."""

    def __init__(self, who: Principal, method: str) -> None:
        refusal = may_not(f"call {method.rpartition('/')[2]}")
        super().__init__(refusal.reason, refusal.text)
        self.who = who


class Guard:
    """Turns a call's metadata into a principal, or refuses it."""

    def __init__(
        self,
        keys: ApiKeys,
        machine_keys: MachineKeys,
        database: Database,
        refusals: Refusals,
        wakeups: Wakeups,
        clock: Clock,
        router_id: str,
        turns: Turns,
    ) -> None:
        self._turns = turns
        self._refusals = refusals
        self._keys = keys
        self._machine_keys = machine_keys
        self._wrong_keys = WrongKeys()
        self._database = database
        self._reads = GroupReads(database.read)
        self._clock = clock
        self._router_id = router_id
        self.limits = CallLimits(clock)
        self._nobodys = Ed25519PrivateKey.generate().public_key()  # its private half is gone: nothing fits it
        self._workers = WorkerTokens(database, wakeups, clock, router_id, self._nobodys)

    async def admit(self, method: str, context: "grpc.aio.ServicerContext[bytes, bytes]") -> Principal:
        """Who calls. Raises Refusal when they may not, or call too often."""
        who = await self._judged(method, context)
        if who is not STRANGER:
            self.limits.known(who)
        return who

    async def _judged(self, method: str, context: "grpc.aio.ServicerContext[bytes, bytes]") -> Principal:
        policy = POLICY.get(method)
        metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        # Deny by default: a method that is new and not listed is nobody's.
        if policy is None:
            raise Refusal(Reason.PERMISSION_DENIED, f"{method} has no policy; nobody may call it.")
        if policy is Access.ANYONE:
            return STRANGER
        if policy is Access.MACHINE:
            return await self._in_turn(metadata, address(context.peer()))
        if "x-api-key" not in metadata and (token := _bearer(metadata)):
            return await self._worker(token, method)
        return self._key(metadata, policy, method, context.peer())

    async def _in_turn(self, metadata: Mapping[str, str], peer: str) -> Principal:
        name = (peer, _claimed(_bearer(metadata)))
        try:
            # Before the signature: in a storm, looking at thousands at once would keep people's messages waiting.
            async with self._turns.outside(name):
                who = await self._machine(metadata)
        except Refusal as error:
            if error.reason is Reason.UNAUTHENTICATED:
                self.limits.refused(peer)
            raise
        self._turns.forget(name)
        return who

    async def is_of_a_machine(self, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bool:
        """Whether a call that was told to come later shows what a machine of ours has signed; then its turn is kept."""
        try:
            who = await self._machine({key: str(value) for key, value in context.invocation_metadata() or ()})
        except Refusal:
            return False
        self._turns.remember((address(context.peer()), who.machine_id))
        return True

    def note(
        self, refusal: Refusal, method: str, context: "grpc.aio.ServicerContext[bytes, bytes]", who: Principal | None
    ) -> None:
        """Let the audit know of a no, and of whom; None for one who was not admitted."""
        if refusal.reason not in OF_ACCESS:
            return
        if isinstance(refusal, _NotOfWorkers):
            who = refusal.who
        elif who is None:  # who has a key is known, also where it may not do this, or its time is over
            metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
            holder = self._holder(metadata)
            who = _principal(*holder) if holder else None
        if who is None and (machine_id := refusal.metadata.get("machine_id")):
            who = Principal(machine_id, machine_id=machine_id)
        self._refusals.note(refusal, Caller((who or STRANGER).identity, context.peer()), method)

    async def check(self, principal: Principal) -> None:
        """Raise Refusal where what a caller was let in with is over by now: their request may come much later."""
        if principal.key_id:
            self._keys.check(principal.key_id, principal.shown)
        elif principal.worker:
            await self._workers.check(principal.worker)
        else:
            machine = await self._database.read(lambda connection: machines.find(connection, principal.machine_id))
            machine_key.check(machine, principal.public_key)

    def until_over(self, principal: Principal, end: End) -> AbstractContextManager[None]:
        """Call `end` when what a caller showed is over while the block runs: a stream may last for weeks."""
        if principal.worker:
            return self._workers.until_over(principal.worker, end)
        return self._keys.until_over(principal.key_id, principal.shown, end)

    def _key(self, metadata: Mapping[str, str], roles: "frozenset[Role] | Access", method: str, peer: str) -> Principal:
        holder = self._holder(metadata)
        if holder is None:
            self._wrong_keys.check(peer, self._clock.monotonic(), shown=bool(metadata.get("x-api-key")))
            text = (
                "The API key is missing or wrong. Send it as metadata x-api-key; `pointsman apikey create` makes one."
            )
            raise Refusal(Reason.UNAUTHENTICATED, text)
        key, shown = holder
        self._keys.use(key, shown)
        if isinstance(roles, Access) or key.role not in roles:
            raise Refusal(Reason.PERMISSION_DENIED, f"A key of role {key.role.value} may not do this.")
        if key.scope.is_limited and method not in IN_SCOPE:
            raise Refusal(Reason.OUT_OF_SCOPE, f"{method.rpartition('/')[2]} {_ABOUT_ALL}")
        return _principal(key, shown)

    def _holder(self, metadata: Mapping[str, str]) -> tuple[ApiKey, str] | None:
        return self._keys.holder(metadata.get("x-api-key", ""))

    async def _worker(self, token: str, method: str) -> Principal:
        worker = await self._workers.admit(token)
        who = Principal(worker.name, worker=worker)
        if method not in OF_WORKERS:
            raise _NotOfWorkers(who, method)
        return who

    async def _machine(self, metadata: Mapping[str, str]) -> Principal:
        if not (token := _bearer(metadata)):
            raise Refusal(Reason.UNAUTHENTICATED, "Send authorization: Bearer <JWT signed by the machine's key>.")
        machine = None
        try:
            machine_id = _claimed(token)
            machine = await self._reads.read(lambda connection: machines.find(connection, machine_id))
            # Of one that nobody knows, too: else whoever asks could tell which names are taken.
            key = Ed25519PublicKey.from_public_bytes(machine.public_key) if machine else self._nobodys
            # Times are checked below by our steady clock, with a leeway and a word of its own for skew.
            options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["exp", "iat", "sub"]}
            # A machine that has named this router once does so always: what it shows another one is no use here.
            audience = [self._router_id] if machine and machine.is_bound else [self._router_id, AUDIENCE]
            claims = jwt.decode(token, key, algorithms=["EdDSA"], audience=audience, options=options)  # type: ignore[arg-type]
            # One that says for whom it is was given away: whoever holds it is less than the machine.
            if "role" in claims:
                raise Refusal(Reason.UNAUTHENTICATED, _NO_MACHINE)
            issued, expires = float(claims["iat"]), float(claims["exp"])
            begins = float(claims.get("nbf", issued))
        except (jwt.MissingRequiredClaimError, jwt.InvalidAudienceError) as error:
            text = f"The JWT is not as it has to be: {error}. It needs sub, aud (the router's id), iat and exp."
            raise Refusal(Reason.UNAUTHENTICATED, text) from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            await self._look_for_old_key(token, machine)
            raise Refusal(Reason.UNAUTHENTICATED, _NOT_VALID) from None
        if machine is None:
            raise Refusal(Reason.UNAUTHENTICATED, _NOT_VALID)
        machine_key.check(machine, machine.public_key)
        self._check_times(issued, begins, expires)
        if not machine.is_bound and claims["aud"] == self._router_id:
            await self._database.write(lambda tx: machines.bind(tx, machine_id))
        return Principal(machine_id, machine_id=machine_id, public_key=machine.public_key)

    async def _look_for_old_key(self, token: str, machine: Machine | None) -> None:
        """Raises Refusal(KEY_REPLACED) for what a key has signed that was the machine's: people are told of it."""
        if machine is None or not machine.former_key:
            return
        try:
            old = Ed25519PublicKey.from_public_bytes(machine.former_key)
            claims = jwt.decode(token, old, algorithms=["EdDSA"], options={"verify_aud": False, "verify_exp": False})
        except (jwt.PyJWTError, ValueError):
            return
        if "role" in claims:  # of one that the machine gave away before
            return
        if not machine.revoked:
            await self._database.write(lambda tx: self._machine_keys.old_one_shown(tx, machine.machine_id))
        raise Refusal(Reason.KEY_REPLACED, machine_key.OVER, machine_id=machine.machine_id)

    def _check_times(self, issued: float, begins: float, expires: float) -> None:
        now = self._clock.now()
        # A machine makes a new one for each call: one that is good for long is worth stealing.
        if expires - issued > JWT_MAX_AGE:
            raise Refusal(Reason.UNAUTHENTICATED, f"The credential is good for longer than {JWT_MAX_AGE:.0f} s.")
        if not max(issued, begins) - CLOCK_LEEWAY <= now <= expires + CLOCK_LEEWAY:
            text = f"The machine's clock is off: the router's says {now:.0f} seconds since 1970."
            raise Refusal(Reason.CLOCK_SKEW, text, router_time=f"{now:.3f}")


def _bearer(metadata: Mapping[str, str]) -> str:
    scheme, _, token = metadata.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _claimed(token: str) -> str:
    """Whose token this says it is. Unverified: it only tells whose key to verify with."""
    try:
        claims = json.loads(b64decode(token.split(".")[1] + "==", altchars=b"-_"))
    except (ValueError, IndexError, RecursionError):
        return ""
    return str(claims.get("sub", "")) if isinstance(claims, dict) else ""


def _principal(key: ApiKey, shown: str) -> Principal:
    return Principal(key.label or key.key_id, role=key.role, key_id=key.key_id, scope=key.scope, shown=shown)
