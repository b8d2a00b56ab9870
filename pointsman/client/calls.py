"""How a call to the Control service is made, for every noun of the client."""

import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self, TypeVar

import grpc
from agentlink.v1 import types_pb2
from agentlink.v1.control_pb2_grpc import ControlStub
from google.protobuf.message import Message

from pointsman.client import convert
from pointsman.client.credential import ApiKey, Credential, Metadata
from pointsman.client.errors import RouterError
from pointsman.client.records import SCRIPT, Origin
from pointsman.client.refusals import from_call

T = TypeVar("T")
Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)

_ABSENCE, _PAUSE = 30.0, 0.5  # seconds that a router may be away while we wait for an end, and between two tries
LONGEST_WAIT = timedelta(seconds=20)  # that one call waits at the router before we ask again
PATIENCE = 15.0  # seconds; the router answers after a commit, which takes milliseconds


class Calls:
    """One channel, one API key or token; threads may share it."""

    def __init__(
        self, channel: grpc.Channel, credential: str | Credential, origin: Origin = SCRIPT, patience: float = PATIENCE
    ) -> None:
        """`origin` is who sends where a call does not say; `patience` is how long a call may take, in seconds.

        A credential that is a text is an API key. Closing it, or the end of its `with`, closes the channel.
        """
        self._channel = channel
        self._origin = origin
        self._patience = patience
        self._stub = ControlStub(channel)
        self._credential = ApiKey(credential) if isinstance(credential, str) else credential

    def with_key(self, api_key: str) -> Self:
        """The same client with another's key, on the same channel; the router judges it at each call."""
        return self.showing(ApiKey(api_key))

    def showing(self, credential: Credential) -> Self:
        """As with_key, with anything that a caller may show."""
        # Not by __init__, which looks up every method in a new stub: REST makes such a client for each request.
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__
        other._credential = credential
        return other

    def close(self) -> None:
        """End the channel; calls under way fail."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(
        self,
        method: "grpc.UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        patience: float | None = None,
        wait: timedelta = timedelta(),
    ) -> Response:
        """`wait` is how long the router itself may take its time. Raises RouterError."""
        timeout = (self._patience if patience is None else patience) + wait.total_seconds()
        shown = self._credential.shown()
        try:
            return ask(method, request, timeout, shown)
        except RouterError as error:
            # Refused at the door, it did nothing: where another token is there now, that one is tried, once.
            if not error.is_stranger or (again := self._credential.shown()) == shown:
                raise
        return ask(method, request, timeout, again)

    def _once_over(self, look: Callable[[], T], is_over: Callable[[T], bool]) -> T:
        """What look finds, once it is over. A router that restarts meanwhile is waited for."""
        # Asked again and again, not watched: so an end that came before we asked is told as well.
        # The absence counts from the last answer: the end itself may take its 24 hours.
        heard = time.monotonic()
        while True:
            try:
                found = look()
            except RouterError as error:
                # A refusal is an answer; only silence is waited out.
                if not error.is_unreachable or time.monotonic() - heard > _ABSENCE:
                    raise
                time.sleep(_PAUSE)
                continue
            if is_over(found):
                return found
            heard = time.monotonic()

    def _sender(self, origin: Origin | None) -> types_pb2.Origin:
        return convert.origin(origin or self._origin)


def ask(
    method: "grpc.UnaryUnaryMultiCallable[Request, Response]", request: Request, timeout: float, metadata: Metadata
) -> Response:
    """The answer of any service of the router, within so many seconds: gRPC by itself waits for ever.

    Raises RouterError.
    """
    try:
        return method(request, timeout=timeout, metadata=metadata)
    except grpc.RpcError as error:
        raise from_call(error) from None  # without its cause, whose words name sockets and files


def request_id(given: str | None) -> str:
    """Names a call, for 96 hours: the same call again, under the same name, gets the first answer.

    None makes a new name; the empty one is none at all.
    """
    # Not made from the content: who says the same thing twice means it twice.
    return str(uuid.uuid4()) if given is None else given
