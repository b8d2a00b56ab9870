"""Keeps one link to the router: credential, reconnect, calls beside it. What happens on it is the driver's business."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import grpc
import grpc.aio
from agentlink.v1 import identity_pb2 as pb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.clock import Clock
from agent.domain.command import Reason
from agent.domain.errors import Refusal, RouterFull, RouterUnreachable, StoreUnavailable
from agent.domain.frames import Notify
from agent.domain.session import Session
from agent.link import backoff, convert, router_socket
from agent.link.channel import Endpoint, open_channel
from agent.link.driver import Driver, Handler
from agent.link.grpc_stream import GrpcStream, ending_of, reason_of
from agent.link.identity import public_bytes
from agent.link.machine_key import Ask, MachineKey, Offer, Unanswered
from agent.link.protocol import End, Ending
from agent.link.router_proof import CURE, PROVE, NotProven, carried, challenge, check
from agent.loops import is_cancelled

Proof = tuple[tuple[str, str], ...]

logger = logging.getLogger(__name__)

CONNECT = "/agentlink.v1.AgentLink/Connect"
GET_PART = "/agentlink.v1.AgentLink/GetPart"
PUT_PART = "/agentlink.v1.AgentLink/PutPart"
ROTATE_KEY = "/agentlink.v1.AgentLink/RotateKey"
NOTIFY_WITH_FILES = "/agentlink.v1.AgentLink/NotifyWithFiles"
PROOF_TIMEOUT = 10.0  # seconds
KEY_TIMEOUT = 30.0  # seconds; a person is waiting
PART_TIMEOUT = 30.0  # seconds; half a megabyte over a slow line
FAILURES_PER_CHANNEL = 5  # then a new one: a channel can be broken for good
_NOT_CHANGED = (
    "The key was not changed: {}. Nothing is lost; where a new one was made, it is offered again before each link."
)
_UNKNOWN = frozenset({grpc.StatusCode.NOT_FOUND})
_FULL = ("QUOTA_FILES", "QUOTA_MESSAGES")
_FOR_GOOD = _UNKNOWN | {  # but for FILE_GONE, the same call would get the same answer
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNIMPLEMENTED,  # an older router
}
_OF_PROGRAMS = _FOR_GOOD | {
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """For people who ask."""

    address: str = ""  # of the router
    connected: bool = False
    epoch: int = 0


class Client:
    """The link, for as long as it runs."""

    def __init__(
        self,
        endpoint: Endpoint,
        key: MachineKey,
        handler: Handler,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._endpoint = endpoint
        self._key = key
        self._handler = handler
        self._clock = clock
        self._jitter = jitter
        self._backoff = backoff.Backoff()
        self._failures = 0  # in a row, on this channel
        self._full = False  # the disk took no commands: no link until it does
        self._skew = 0.0  # seconds that the router is ahead of us, as far as it said: tokens are dated by its clock
        self._driver: Driver | None = None
        self._channel: grpc.aio.Channel | None = None

    @property
    def status(self) -> LinkStatus:
        """Whether the link is welcomed now, and its epoch."""
        if self._driver is None or self._driver.link.welcomed_at is None:
            return LinkStatus(self._endpoint.address)
        return LinkStatus(self._endpoint.address, connected=True, epoch=self._driver.link.epoch)

    @property
    def router_time(self) -> float:
        """The router's clock as far as it told us, in seconds since the epoch."""
        return self._clock.now() + self._skew

    async def run(self, stop: asyncio.Event) -> None:
        """Hold a link until `stop`."""
        channel = self._channel = open_channel(self._endpoint)
        try:
            while not stop.is_set():
                if self._full and not await self._has_room(stop):
                    continue
                if self._failures >= FAILURES_PER_CHANNEL:
                    channel = self._channel = await self._another(channel)
                await self._one_link(channel, stop)
                await _wait(stop, self._backoff.attempt_at - self._clock.monotonic())
        finally:
            self._channel = None
            await channel.close(None)

    async def _another(self, channel: grpc.aio.Channel) -> grpc.aio.Channel:
        """A new channel, with the files of TLS as they are by now; the one of before where they cannot be read."""
        try:
            another = open_channel(self._endpoint)
        except OSError as error:  # somebody is renewing them: it is tried again
            logger.warning("cannot read a file of TLS: %s", error)
            return channel
        self._failures = 0
        await channel.close(None)
        return another

    async def part(self, command_id: str, number: int) -> bytes:
        """A part of a command's file, beside the link. Raises Refusal for good, RouterUnreachable for now."""
        return convert.file_part(await self._beside(GET_PART, convert.file_request(command_id, number), _UNKNOWN))

    async def put(self, file_id: str, number: int, data: bytes) -> int:
        """Hand over a part of a notice's file; the number of the first part that the router lacks. Raises as `part`."""
        return convert.next_number(await self._beside(PUT_PART, convert.put_request(file_id, number, data), _FOR_GOOD))

    async def notify(self, notification: Notify) -> None:
        """Hand over a notice whose files are put. Raises as `part`; Refusal(FILE_GONE) where a part is missing."""
        await self._beside(NOTIFY_WITH_FILES, convert.notification_request(notification), _FOR_GOOD)

    async def in_name_of(self, session: Session, method: str, request: bytes) -> bytes:
        """The answer to a call that the program of a session makes by us. Raises Refusal, RouterUnreachable."""
        own = self._key.identity.worker_token(session.session_id, session.generation, self.router_time)
        return await self._beside(method, request, _OF_PROGRAMS, (("authorization", f"Bearer {own}"),))

    async def _beside(
        self, method: str, request: bytes, for_good: frozenset[grpc.StatusCode], proof: Proof | None = None
    ) -> bytes:
        """The answer to a call beside the link; such codes mean that it will be no other one."""
        if self._channel is None or not self.status.connected:
            raise RouterUnreachable("there is no link to the router")
        try:
            call = self._channel.unary_unary(method, None, None)
            answer: bytes = await call(request, metadata=proof or self._proof(), timeout=PART_TIMEOUT)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            raise RouterUnreachable("the link was given up meanwhile") from None  # with its channel
        except grpc.aio.AioRpcError as error:
            text, reason = f"{error.code().name}: {error.details()}", reason_of(error)
            if reason in _FULL:
                raise RouterFull(text) from None
            if error.code() not in for_good:
                raise RouterUnreachable(text) from None
            gone = reason == "FILE_GONE" or for_good is _UNKNOWN
            raise Refusal(Reason.FILE_GONE if gone else Reason.INVALID_ARGUMENT, error.details() or text) from None
        return answer

    async def change_key(self) -> None:
        """Give this machine another key now. Raises Refusal."""
        if self._driver is None or not self.status.connected:
            raise Refusal(Reason.ILLEGAL_STATE, "There is no link to the router now, so the key stays. Try again then.")
        outcome = self._key.change()
        self._driver.leave()
        try:
            why = await asyncio.wait_for(asyncio.shield(outcome), KEY_TIMEOUT)  # others may wait for it, too
        except TimeoutError:
            raise Refusal(Reason.ILLEGAL_STATE, _NOT_CHANGED.format("no answer in time")) from None
        if why:
            raise Refusal(Reason.ILLEGAL_STATE, _NOT_CHANGED.format(why))

    def _proof(self, key: Ed25519PrivateKey | None = None) -> tuple[tuple[str, str], ...]:
        token = self._key.identity.token(self.router_time, key)
        return (("authorization", f"Bearer {token}"),)

    async def _has_room(self, stop: asyncio.Event) -> bool:
        """Whether the disk that was full takes commands again; else wait a while."""
        try:
            await self._handler.probe()
        except StoreUnavailable as error:
            self._learn(Ending(End.DISK, error.text), 0.0)
            await _wait(stop, self._backoff.attempt_at - self._clock.monotonic())
            return False
        return True

    async def _one_link(self, channel: grpc.aio.Channel, stop: asyncio.Event) -> None:
        ask, now = partial(self._offer, channel), self._clock.monotonic
        unready = self._look()
        if unready is None and (self._key.identity.router_fingerprint or not self._key.is_settled):
            unready = await self._unless_stopped(self._ready(channel, ask), stop)
        if unready is not None:
            self._learn(unready, 0.0)
            return
        call = channel.stream_stream(CONNECT, None, None)(None, metadata=self._proof())
        self._driver = driver = Driver(GrpcStream(call), self._handler, self._clock, lambda: self._key.want(now()))
        try:
            ending = await driver.run(stop)
        finally:
            self._driver = None
        # Where its key is all that is wrong with this machine, it comes again at once with another.
        if (ending.reason == "CREDENTIAL_OLD" and self._key.want(now())) or (
            ending.reason == "UNAUTHENTICATED" and await self._key.tell_again(ask)
        ):
            ending = replace(ending, retry_after=0.0)
        self._learn(ending, driver.welcomed_for)

    def _look(self) -> Ending | None:
        """Whether nobody but our router can be behind its socket, where it is reached by one; why not, else."""
        try:
            router_socket.check(self._endpoint.address)
        except PermissionError as error:
            return Ending(End.REFUSED, f"{error}; nothing was said there.")
        except OSError as error:
            return Ending(End.LOST, f"no router listens at {self._endpoint.address}: {error.strerror}")
        return None

    async def _offer(self, channel: grpc.aio.Channel, offer: Offer) -> str:
        """Why the router does not take another key; empty where it does. Raises Unanswered."""
        public_key = public_bytes(offer.new)
        request = convert.key_request(public_key, *offer.signatures(self._key.identity))
        call = channel.unary_unary(ROTATE_KEY, None, None)
        try:
            await call(request, metadata=self._proof(offer.caller), timeout=PROOF_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            text = f"{error.code().name}: {error.details()}"
            # What our router refuses has a reason; an older one knows of no such call.
            if not reason_of(error) and error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise Unanswered(text) from None
            return text
        return ""

    async def _ready(self, channel: grpc.aio.Channel, ask: Ask) -> Ending | None:
        """Make sure that it is our router, and that it has the key that we show; why there can be no link."""
        if self._key.identity.router_fingerprint and (unproven := await self._prove(channel)):
            return unproven
        try:
            await self._key.settle(ask, self._clock.monotonic())
        except Unanswered as error:
            return Ending(End.LOST, str(error))
        return None

    async def _unless_stopped(self, asking: Coroutine[None, None, Ending | None], stop: asyncio.Event) -> Ending | None:
        """What it says; whoever is silent at the router's address does not hold up a stop."""
        asked, stopped = asyncio.create_task(asking), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((asked, stopped), return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() else Ending(End.STOPPED, "the agent is stopping")
        finally:
            for task in (asked, stopped):
                task.cancel()
            await asyncio.gather(asked, stopped, return_exceptions=True)

    async def _prove(self, channel: grpc.aio.Channel) -> Ending | None:
        """Let the router show its key before it gets a JWT of ours, or we a command of its; why not, if it does not."""
        asked = challenge()
        call = channel.unary_unary(PROVE, pb.ProveRequest.SerializeToString, pb.ProveResponse.FromString)
        try:
            answer = await call(asked, timeout=PROOF_TIMEOUT, metadata=carried(asked))
            check(asked, answer, self._key.identity.router_fingerprint, self._key.identity.router_id)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                return ending_of(error)
            return Ending(End.REFUSED, f"What answers knows of no key, as older routers do not. {CURE}")
        except NotProven as error:
            return Ending(End.REFUSED, str(error))
        return None

    def _learn(self, ending: Ending, welcomed_for: float) -> None:
        now, jitter = self._clock.monotonic(), self._jitter()
        if ending.end is End.CLOCK_SKEW and ending.router_time is not None:
            self._skew = ending.router_time - self._clock.now()
        if ending.retry_after is not None:
            self._backoff = backoff.told(self._backoff, now, ending.retry_after)
        elif ending.end is End.REFUSED:
            self._backoff = backoff.refused(self._backoff, now, jitter)
        elif ending.end not in (End.STOPPED, End.DRAINED):
            self._backoff = backoff.lost(self._backoff, now, jitter, welcomed_for)
        self._full = ending.end is End.DISK
        self._failures = 0 if welcomed_for else self._failures + 1
        wait = max(0.0, self._backoff.attempt_at - now)
        level = logging.ERROR if ending.end in (End.REFUSED, End.DISK) else logging.INFO
        logger.log(level, "link ended end=%s retry_in=%.1f %s", ending.end.value, wait, ending.text)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), max(0.0, seconds))
