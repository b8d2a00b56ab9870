"""Programs of the machine that tests talk to. Where one is missing its tests are skipped, with what to install."""

import ctypes
import shutil

import pytest

PACKAGES = {
    "nvim": "neovim",
    "systemd-analyze": "systemd",
    "dovecot": "dovecot-imapd",
}  # of Debian, where the name is another


def needed(*names: str) -> None:
    """Skip the test that runs, or the tests of the fixture that does, where one of these is missing."""
    missing = [PACKAGES.get(name, name) for name in names if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not here: apt-get install {' '.join(missing)}")


def needed_to_drive_a_browser() -> None:
    """Playwright brings its driver, and not this library of the system."""
    try:
        ctypes.CDLL("libatomic.so.1")
    except OSError:
        pytest.skip("not here: apt-get install libatomic1")
