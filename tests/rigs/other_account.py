"""An account of this machine that is nobody's: made by root for the time of a block, and what its programs do."""

import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_RUN = "import json, os, sys; arguments = json.loads(sys.argv[1])\n"


class OtherAccount:
    """Runs programs as somebody without any rights."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.uid, self.gid = pwd.getpwnam(name).pw_uid, pwd.getpwnam(name).pw_gid

    def command(self, script: str, arguments: Any) -> list[str]:
        return [python(), "-I", "-c", _RUN + script, json.dumps(arguments)]

    def tries(self, script: str, **arguments: Any) -> Any:
        """What a script, which finds its `arguments` and prints JSON, has got hold of."""
        done = subprocess.run(self.command(script, arguments), **self._rights(), timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def starts(self, script: str, stdin: int = subprocess.DEVNULL, **arguments: Any) -> "subprocess.Popen[str]":
        """A script that goes on; somebody must end it."""
        return subprocess.Popen(self.command(script, arguments), stdout=subprocess.PIPE, stdin=stdin, **self._account())

    def _rights(self) -> dict[str, Any]:
        return {"capture_output": True, **self._account()}

    def _account(self) -> dict[str, Any]:
        environ = {"PATH": os.defpath, "HOME": "/"}
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "cwd": "/", "env": environ, "text": True}


def python() -> str:
    """An interpreter that every account may run."""
    return shutil.which("python3", path=os.defpath) or sys.executable


@contextmanager
def other_account(name: str = "") -> Iterator[OtherAccount]:
    """Somebody else on this machine. Skips the test where nobody may make one."""
    if os.geteuid() != 0:
        pytest.skip("only root can make another account")
    if shutil.which("useradd") is None:
        pytest.skip("not here: apt-get install passwd")
    name = name or f"pm-{os.getpid()}"
    subprocess.run(["useradd", "--system", "--no-create-home", "--shell", "/bin/sh", name], check=True)
    try:
        yield OtherAccount(name)
    finally:
        subprocess.run(["userdel", name], check=True, capture_output=True)
