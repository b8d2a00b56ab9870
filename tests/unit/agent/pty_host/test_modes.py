"""Modes of a terminal, followed through a program's output."""

import pytest

from agent.pty_host.modes import TerminalModes


@pytest.mark.parametrize(
    ("printed", "paste", "cursor"),
    [
        (b"hello", False, False),
        (b"\x1b[?2004h", True, False),
        (b"\x1b[?1h", False, True),
        (b"\x1b[?1;2004h$ ", True, True),
        (b"\x1b[?2004h...\x1b[?2004l", False, False),
        (b"\x1b[?2004h\x1b[?1049l", True, False),
        (b"\x1b[?1;2004h\x1bc", False, False),
        (b"\x1b[?1;2004h\x1b[!p", False, False),
        (b"\x1b[2004h", False, False),
    ],
)
def test_modes_follow_the_output(printed: bytes, *, paste: bool, cursor: bool) -> None:
    modes = TerminalModes()

    modes.feed(printed)

    assert (modes.bracketed_paste, modes.application_cursor) == (paste, cursor)


@pytest.mark.parametrize("cut", range(9))
def test_a_switch_may_come_in_two_pieces(cut: int) -> None:
    switch = b"\x1b[?2004h"
    modes = TerminalModes()

    modes.feed(b"text" + switch[:cut])
    modes.feed(switch[cut:] + b"text")

    assert modes.bracketed_paste
