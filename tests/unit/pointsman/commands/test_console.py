"""The QR code says what the link says, and the link leads where a person is."""

import re

import pytest
import segno

from pointsman.commands.console import base_address, qr_code, reaches_only_here
from pointsman.config import resolve

LINK = "https://router.example.org/console/login?token=" + "aB3-" * 25
_HALVES = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


def test_the_code_is_that_of_the_link_two_rows_in_each_line() -> None:
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in qr_code(LINK).split("\n")]

    rows = [list(half) for line in lines for half in zip(*(_HALVES[letter] for letter in line), strict=True)]
    wanted = [list(row) for row in segno.make(LINK, error="l", micro=False).matrix_iter(border=2)]
    assert rows[: len(wanted)] == wanted
    assert not any(map(any, rows[len(wanted) :]))


def test_the_code_is_dark_on_light_whatever_the_terminal_is_and_fits_it() -> None:
    for line in qr_code(LINK).split("\n"):
        assert re.fullmatch(r"\x1b\[30;107m[ ▀▄█]{20,80}\x1b\[0m", line)


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"POINTSMAN_HTTP_LISTEN": "10.77.0.1:80"}, "http://10.77.0.1:80"),
        ({"POINTSMAN_HTTP_LISTEN": "0.0.0.0:80"}, "http://127.0.0.1:80"),
        ({"POINTSMAN_PUBLIC_URL": "https://a.example"}, "https://a.example"),
        ({"POINTSMAN_PUBLIC_URL": "https://a.example", "POINTSMAN_CONSOLE_URL": "http://b:1"}, "http://b:1"),
    ],
    ids=["default", "vpn", "everywhere", "public", "console"],
)
def test_the_address_is_the_one_that_people_reach(environ: dict[str, str], address: str) -> None:
    given = {"POINTSMAN_DATA_DIR": "/nowhere", "POINTSMAN_HTTP_PLAIN": "1", **environ}

    assert base_address(resolve({}, given)) == address


@pytest.mark.parametrize(
    ("link", "only_here"),
    [
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost/x", True),
        ("http://[::1]:80/x", True),
        ("https://router.example.org/x", False),
        ("http://10.77.0.1:8080/x", False),
    ],
)
def test_an_address_of_loopback_leads_nowhere_from_a_phone(link: str, *, only_here: bool) -> None:
    assert reaches_only_here(link) is only_here
