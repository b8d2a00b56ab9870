"""Who has to go where too many wait."""

from dataclasses import dataclass
from typing import Any

from webhook_adapter.http.gunicorn.pool import Pool


def pool(most: int, most_of_a_peer: int) -> Pool:
    return Pool(1, most, most_of_a_peer, lambda _: None, lambda *_: False, lambda _: None)


@dataclass(eq=False)
class Client:
    peer: str
    pool: Any = None
    since: float = 0.0


def client(peer: str) -> Any:
    return Client(peer)


def test_the_longest_waiting_goes_for_one_too_many() -> None:
    waiting, clients = pool(2, 9), [client("a"), client("b"), client("c")]

    assert [waiting.join(each, 0.0) for each in clients] == [None, None, clients[0]]


def test_of_a_peer_that_has_too_many_one_of_its_own_goes() -> None:
    waiting, quiet, first, second = pool(9, 1), client("a"), client("b"), client("b")

    assert [waiting.join(each, 0.0) for each in (quiet, first, second)] == [None, None, first]


def test_who_has_left_counts_no_more() -> None:
    waiting, first, second = pool(9, 1), client("b"), client("b")
    waiting.join(first, 0.0)
    waiting.leave(first)

    assert waiting.join(second, 0.0) is None
    assert list(waiting.members) == [second]


def test_of_this_machine_any_number_may_wait() -> None:
    """A proxy there speaks for everybody."""
    waiting = pool(9, 1)

    assert [waiting.join(client(""), 0.0) for _ in range(5)] == [None] * 5
