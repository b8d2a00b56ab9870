"""What ties a program to its supervisor."""

import os
import signal
import sys
from collections.abc import Mapping

from pointsman.errors import ExitCode

# Names the supervisor in the environment of what it starts.
SUPERVISOR_PID = "POINTSMAN_SUPERVISOR_PID"
_PR_SET_PDEATHSIG = 1


def end_with_supervisor(environ: Mapping[str, str]) -> None:
    """In a program that a supervisor started: make sure that it ends when its supervisor does, however that ended."""
    supervisor = environ.get(SUPERVISOR_PID)
    if not supervisor:
        return
    # No other system has it: there, a supervisor that was killed leaves its programs behind.
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if str(os.getppid()) != supervisor:  # it ended before we asked to be told
        sys.exit(ExitCode.FAILED)
