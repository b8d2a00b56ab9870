"""NATS JetStream with a file store, as it is shipped: it syncs every two minutes, and not before it confirms."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, StorageType

from tests.bench.driver import Posted
from tests.bench.loads import Way
from tests.bench.peers import servers
from tests.bench.peers.closed_loop import closed_loop, main, poster


def missing() -> str:
    return servers.missing("apt-get install nats-server", [servers.program("nats-server")])


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Way]:
    port = servers.free_port()
    argv = [servers.program("nats-server") or "", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder)]
    with servers.server(argv, port, log=folder / "nats.log"):
        client = await nats.connect(f"nats://127.0.0.1:{port}")
        stream = client.jetstream()
        await stream.add_stream(name="Q", subjects=["q.*"], storage=StorageType.FILE)
        arrived = dict[str, float]()

        async def receive(message: Msg) -> None:
            arrived[message.data.decode()] = time.monotonic()
            await message.ack()

        unlimited = ConsumerConfig(max_ack_pending=1_000_000)
        await stream.subscribe("q.*", durable="d", manual_ack=True, cb=receive, config=unlimited)
        yield Way(poster(__name__, str(port)), arrived)
        await client.close()


async def publish(port: str, at_once: int, seconds: float) -> Posted:
    client = await nats.connect(f"nats://127.0.0.1:{port}")
    stream = client.jetstream()
    posted = await closed_loop(lambda _number, text: stream.publish("q.1", text.encode()), at_once, seconds)
    await client.close()
    return posted


if __name__ == "__main__":
    main(publish)
