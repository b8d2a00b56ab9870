"""Where the agent listens: a name that fits a Unix socket, whatever the folders are called."""

from pathlib import Path

import pytest

from agent.local.client import MAX_PATH, socket_path


@pytest.mark.parametrize("length", [10, 85, 200], ids=["short", "just too long", "very long"])
def test_the_name_fits_a_socket(length: int) -> None:
    assert len(socket_path(Path("/") / ("d" * length))) <= MAX_PATH


def test_two_long_folders_have_two_names() -> None:
    assert socket_path(Path("/") / ("a" * 200)) != socket_path(Path("/") / ("b" * 200))
