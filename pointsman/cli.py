"""The front door: `pointsman …`.

Imports nothing but what the interpreter has loaded anyway, until it is sure of where imports come from.
"""

import atexit
import gc
import os
import sys


def main() -> None:
    """Run one command and leave with its exit code."""
    if sys.argv[1:] == ["mcp"]:
        # Coding agents wait for it each time that they start: nothing but what it is may be loaded before it.
        from pointsman.mcp import SERVER

        os.execv(sys.executable, [sys.executable, "-I", "-S", SERVER])  # noqa: S606
    if not sys.flags.isolated:
        # The current folder, or PYTHONPATH, may hold packages with the names of ours and of those that we use.
        os.execv(sys.executable, [sys.executable, "-I", "-m", "pointsman", *sys.argv[1:]])  # noqa: S606
    # The interpreter looks for garbage before it ends: among all that was imported, for a fifth of a command's time.
    atexit.register(gc.freeze)
    from pointsman.config import tame_grpc
    from pointsman.group import pointsman
    from pointsman.signals import pass_on_none

    # Before anything starts a thread: each keeps the signal mask that it began with.
    pass_on_none()
    tame_grpc()
    pointsman.main(prog_name="pointsman")
