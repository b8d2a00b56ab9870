"""The door of the simulated router: what gRPC and its interceptors do for a call in earnest."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from router.domain.credentials import Principal
from tests.sim.network import ServerSide, Stream


class Doorman:
    """Admits whom the stream says it comes from: credentials are not what is simulated."""

    async def admit(self, _name: str, context: Any) -> Principal:
        return context.principal

    async def check(self, _principal: Principal) -> None:
        """No key is over here."""

    def until_over(self, _principal: Principal, _end: Callable[[], None]) -> AbstractContextManager[None]:
        """As above."""
        return nullcontext()

    def note(self, *_refused: object) -> None:
        """Nor does anybody ask who was refused."""


class Caller(ServerSide):
    def __init__(self, stream: Stream, principal: Principal, request: bytes | None) -> None:
        super().__init__(stream)
        self.principal = principal
        self._request = request

    async def read(self) -> Any:
        return await super().read() if self._request is None else self._request
