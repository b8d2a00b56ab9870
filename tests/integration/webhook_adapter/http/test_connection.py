"""What goes out to a client that does not take it at once."""

import random
import socket
from collections.abc import Iterator

import pytest

from webhook_adapter.http.gunicorn.connection import AnswerSocket

LONG = random.Random(7).randbytes(20_000_000)  # more than the kernel takes


@pytest.fixture
def ends() -> Iterator[tuple[AnswerSocket, socket.socket]]:
    here, there = socket.socketpair()
    with AnswerSocket(here) as ours, there:
        yield ours, there


def test_a_small_answer_is_one_piece(ends: tuple[AnswerSocket, socket.socket]) -> None:
    ours, client = ends
    ours.sendall(b"head ")
    ours.sendall(b"body")

    assert ours.flush()
    assert client.recv(100) == b"head body"


def test_a_long_one_comes_whole_and_in_order_however_it_is_read(ends: tuple[AnswerSocket, socket.socket]) -> None:
    ours, client = ends
    for start in range(0, len(LONG), 30_000):
        ours.sendall(LONG[start : start + 30_000])  # never waits, though nobody reads

    came = bytearray()
    while not ours.flush():
        came += client.recv(1_000_000)
    ours.shutdown(socket.SHUT_WR)
    came += b"".join(iter(lambda: client.recv(1_000_000), b""))

    assert came == LONG


def test_a_client_that_has_gone_is_noticed(ends: tuple[AnswerSocket, socket.socket]) -> None:
    ours, client = ends
    client.close()
    ours.sendall(b"body")

    with pytest.raises(OSError, match="Broken pipe"):
        ours.flush()


def test_who_takes_little_is_slow_and_who_takes_much_has_time(ends: tuple[AnswerSocket, socket.socket]) -> None:
    ours, client = ends
    ours.sendall(LONG)
    assert ours.is_slow(100.0, 200.0)

    came = 0
    while came < 10_000_000:
        came += len(client.recv(1_000_000))
        ours.flush()

    assert not ours.is_slow(100.0, 200.0)


def test_what_is_kept_is_in_no_memory_and_goes_with_the_connection(ends: tuple[AnswerSocket, socket.socket]) -> None:
    ours, _ = ends
    ours.sendall(LONG)
    kept = ours._kept

    ours.close()

    assert kept._rolled  # into a file that has no name
    assert kept.closed
