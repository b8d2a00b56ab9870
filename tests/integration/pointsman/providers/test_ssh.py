"""A machine behind ssh, with the real ssh and the real sshd."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from pointsman.providers.pool import Entry
from pointsman.providers.provider import Provider, ProviderError, Unsure
from pointsman.providers.registry import provider
from tests.ports import free_port
from tests.waiting import wait_until

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(SSHD is None or shutil.which("ssh") is None, reason="sshd is not installed")
KEY = "far/away"


@dataclass
class Server:
    """An sshd that lets one key in, and what is at the other end."""

    folder: Path
    port: int

    def reached(self, host_key: str = "") -> Provider:
        host_key = host_key or " ".join((self.folder / "host.pub").read_text().split()[:2])
        more = {
            "host": f"{getpass.getuser()}@127.0.0.1", "port": self.port, "host_key": host_key,
            "identity": str(self.folder / "user"), "program": str(self.folder / "pointsman"), "folder": self.there,
        }  # fmt: skip
        entry = Entry(KEY, "ssh", more=more)
        return provider(entry, self.folder / "ours", "127.0.0.1:1", "", "")

    @property
    def there(self) -> str:
        return str(self.folder / "machines")


def key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True, timeout=60)
    return path.with_suffix(".pub").read_text()


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    port = free_port()
    key(folder / "host")
    (folder / "authorized").write_text(key(folder / "user"))
    ours = folder / "pointsman"
    ours.write_text(f'#!/bin/sh\nexec {sys.executable} -I -m pointsman "$@"\n')
    ours.chmod(0o700)
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\nLogLevel ERROR\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it wants that where root runs it
    process = subprocess.Popen([str(SSHD), "-D", "-E", folder / "log", "-f", folder / "config"])
    try:
        wait_until(lambda: answers(port), 60)
        yield Server(folder, port)
    finally:
        process.terminate()
        process.wait(60)


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as there:
        return there.recv(4) == b"SSH-"
    return False


def test_a_machine_is_made_there_and_only_behind_the_pinned_key(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        entry = Entry(KEY, "ssh")
        reached = server.reached()
        with pytest.raises(Unsure, match=r"[Hh]ost key|HOST IDENTIFICATION"):
            server.reached(f"ssh-ed25519 {'A' * 68}").ensure(entry.wanted("pmj_once", "127.0.0.1:1"))
        assert not Path(server.there).exists()

        made = server.reached().ensure(entry.wanted("pmj_once", "127.0.0.1:1"))
        listed = [each.key for each in reached.listed()]
        reached.destroy(KEY)

        assert (made.key, listed, reached.listed()) == (KEY, [KEY], [])
        with pytest.raises(ProviderError, match="There is no machine"):
            reached.start(KEY)
