"""Waiting for file descriptors inside an event loop, also those that must stay blocking."""

import asyncio
import os

CHUNK = 65536
_SMALL = 4096  # what a writable pipe takes without blocking


async def readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _resolve, ready)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)


async def writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(descriptor, _resolve, ready)
    try:
        await ready
    finally:
        loop.remove_writer(descriptor)


async def read(descriptor: int) -> bytes:
    """What has come; empty at the end, which for a pty may be an error."""
    while True:
        await readable(descriptor)
        try:
            return os.read(descriptor, CHUNK)
        except BlockingIOError:
            continue
        except OSError:
            return b""


async def write(descriptor: int, data: bytes) -> None:
    """Writes all of it. Raises OSError when nobody can read it any more."""
    left = memoryview(data)
    while left:
        await writable(descriptor)
        try:
            left = left[os.write(descriptor, left[:_SMALL]) :]
        except BlockingIOError:
            continue


def _resolve(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
