"""PostgreSQL as a queue: INSERT and NOTIFY in one transaction, DELETE … FOR UPDATE SKIP LOCKED at the other end."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from psycopg import AsyncConnection, OperationalError

from tests.bench.driver import Posted
from tests.bench.loads import Way
from tests.bench.peers import servers
from tests.bench.peers.closed_loop import closed_loop, main, poster

USER = "postgres"
FOLDERS = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)  # Debian keeps them off the path
INSERT = "WITH handed_in AS (INSERT INTO q (text) VALUES (%s) RETURNING id) SELECT pg_notify('q', '') FROM handed_in"
TAKE = "DELETE FROM q WHERE id IN (SELECT id FROM q ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 128) RETURNING text"


def missing() -> str:
    return servers.missing("apt-get install postgresql", [_program("initdb"), _program("postgres")])


def _program(name: str) -> str | None:
    return servers.program(name, *FOLDERS)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Way]:
    port, data = servers.free_port(), folder / "data"
    data.mkdir(mode=0o700)
    user = servers.somebody(data, USER)
    initdb = [_program("initdb") or "", "-D", str(data), "-A", "trust", "-U", USER, "-E", "UTF8", "--no-sync"]
    environ = {"LC_ALL": "C"}
    await asyncio.to_thread(subprocess.run, initdb, user=user, check=True, capture_output=True, cwd=data, env=environ)
    argv = [_program("postgres") or "", "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
    argv += ["-c", f"unix_socket_directories={data}"]
    async with AsyncExitStack() as open_:
        open_.enter_context(servers.server(argv, port, log=folder / "postgres.log", user=user, environ={}))
        taking = await open_.enter_async_context(await _connected(port))
        listening = await open_.enter_async_context(await _connected(port))
        await taking.execute("CREATE TABLE q (id bigserial PRIMARY KEY, text text)")
        await listening.execute("LISTEN q")
        arrived = dict[str, float]()
        receiving = asyncio.create_task(_receive(taking, listening, arrived))
        yield Way(poster(__name__, str(port)), arrived)
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)


async def _connected(port: int) -> AsyncConnection:
    where = f"host=127.0.0.1 port={port} user={USER} dbname={USER}"
    until = time.monotonic() + servers.PATIENCE
    while True:
        try:  # it listens before it is ready
            return await AsyncConnection.connect(where, autocommit=True)
        except OperationalError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.05)


async def _receive(taking: AsyncConnection, listening: AsyncConnection, arrived: dict[str, float]) -> None:
    while True:
        async for _ in listening.notifies(timeout=1, stop_after=1):
            pass
        while await _take(taking, arrived):
            pass


async def _take(taking: AsyncConnection, arrived: dict[str, float]) -> bool:
    async with taking.transaction():  # its commit is the confirmation
        texts = await (await taking.execute(TAKE)).fetchall()
        now = time.monotonic()
        arrived.update((text, now) for (text,) in texts)
    return bool(texts)


async def publish(port: str, at_once: int, seconds: float) -> Posted:
    async with AsyncExitStack() as open_:
        connections = [await open_.enter_async_context(await _connected(int(port))) for _ in range(at_once)]
        return await closed_loop(lambda number, text: connections[number].execute(INSERT, (text,)), at_once, seconds)


if __name__ == "__main__":
    main(publish)
