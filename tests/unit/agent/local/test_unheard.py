"""What hooks leave while no agent is there is taken once, and nothing of it is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.hooks.forward import MOST_UNHEARD, keep
from agent.local.client import socket_path
from agent.local.unheard import Unheard
from tests.folders import short_folder


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with short_folder() as folder:
        Path(socket_path(folder)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield folder


def left(data_dir: Path, name: str) -> None:
    keep(socket_path(data_dir), b'{"event": "%s"}\n' % name.encode())


def taken(unheard: Unheard) -> list[object]:
    return [message["event"] for _, message in unheard.take()]


def test_what_was_left_is_taken_in_order_and_once(data_dir: Path) -> None:
    left(data_dir, "one")
    left(data_dir, "two")

    assert [taken(Unheard(data_dir)) for _ in range(2)] == [["one", "two"], []]


def test_what_is_left_while_it_is_taken_comes_the_next_time(data_dir: Path) -> None:
    left(data_dir, "one")
    taking = Unheard(data_dir).take()
    with ThreadPoolExecutor(1) as hook:
        next(taking)
        late = hook.submit(left, data_dir, "two")
        assert list(taking) == []
        late.result(timeout=30)

    assert taken(Unheard(data_dir)) == ["two"]


def test_who_dies_over_it_finds_it_again(data_dir: Path) -> None:
    left(data_dir, "one")
    dies = Unheard(data_dir).take()
    next(dies)
    dies.close()

    assert taken(Unheard(data_dir)) == ["one"]


def test_it_grows_no_further(data_dir: Path) -> None:
    left(data_dir, "x" * (MOST_UNHEARD - 100))
    left(data_dir, "y" * 100)

    assert [len(str(each)) for each in taken(Unheard(data_dir))] == [MOST_UNHEARD - 100]
