"""Whatever the umask is, everything that a run writes is its owner's alone."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.system import CHAT, System, message, running

pytestmark = pytest.mark.e2e

ANY_MODE = ("sh", "-c", 'umask 000; exec "$@"', "sh")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("modes"), ANY_MODE) as system:
        pane = system.pane("work")
        assert system.webhook(message(1, "/use work")).status_code == 200
        assert system.webhook(message(2, "hello")).status_code == 200
        pane.wait_for(1)
        system.rest("POST", "/notifications/send", {"sessionId": pane.session_id, "chatId": CHAT, "text": "done"})
        system.cli("backup", str(system.data / "copy.db"))
        yield system


def test_nobody_else_may_read_or_write_anything(system: System) -> None:
    found = {path.relative_to(system.data): stat.S_IMODE(path.lstat().st_mode) for path in system.data.rglob("*")}
    open_ = {str(path): oct(mode) for path, mode in found.items() if mode & 0o077}

    assert {"router.db", "api_key", "copy.db"} < {path.name for path in found}
    assert any(path.name == "agent.sock" for path in found)
    assert open_ == {}
    assert stat.S_IMODE(system.data.stat().st_mode) == 0o700


def test_the_umask_was_none(tmp_path: Path) -> None:
    """Else the test above says nothing."""
    before = os.umask(0)
    try:
        (tmp_path / "made").write_text("")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o666
