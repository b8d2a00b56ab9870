"""Others wait behind no crowd of machines that comes to the port: it has lines of its own."""

import asyncio
from base64 import b64encode
from contextlib import AsyncExitStack

import grpc
import pytest
from agentlink.v1 import identity_pb2

from router.api.auth import Guard
from router.domain.credentials import Principal
from tests.integration.router.harness import API_KEY, RouterUnderTest
from tests.rigs.crowd import CONNECT, PROVE
from tests.rigs.raw_http2 import message, raw_connection
from tests.waiting import PATIENCE

EACH, CONNECTIONS = 90, 2  # calls of one connection
STATS = "/agentlink.v1.Control/GetStats"
REQUEST = b64encode(identity_pb2.ProveRequest(nonce=bytes(32)).SerializeToString()).decode()


@pytest.mark.parametrize("path", [PROVE, CONNECT])
def test_a_call_waits_behind_no_crowd(router: RouterUnderTest, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    order: list[str] = []
    admit = Guard.admit

    async def noted(guard: Guard, method: str, context: "grpc.aio.ServicerContext[bytes, bytes]") -> Principal:
        order.append(method)
        return await admit(guard, method, context)

    async def come() -> None:
        async with AsyncExitStack() as stack:
            with router.held():
                for _ in range(CONNECTIONS):
                    one = await stack.enter_async_context(raw_connection(router.address))
                    for _ in range(EACH):
                        await one.call(path, ("request-bin", REQUEST))
                    await one.answered()
                caller = await stack.enter_async_context(raw_connection(router.address))
                stream = await caller.call(STATS, ("x-api-key", API_KEY))
                await caller.body(stream, message(0))
                await caller.end(stream)
                await caller.answered()
            await caller.over(stream)
            assert stream in caller.said

    monkeypatch.setattr(Guard, "admit", noted)

    asyncio.run(asyncio.wait_for(come(), 2 * PATIENCE))

    # In one line with them it would be the last.
    assert order.index(STATS) < EACH
