"""Where nohup and the background of scripts start programs: with signals ignored; and, worse, some held back."""

import signal
import sys
from pathlib import Path

NUMBERS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU)
_PROGRAM = f"""
import os, signal, sys
for number in {tuple(map(int, NUMBERS))}:
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
os.execvp(sys.argv[1], sys.argv[1:])
"""
LAUNCHER = (sys.executable, "-I", "-S", "-c", _PROGRAM)
"""What stands before a command line."""


def kept_from(status: str) -> set[int]:
    """Of those, the signals that are ignored or held back by what proc(5) says of a process."""
    fields = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Sig") and ":\t" in line)
    masks = int(fields["SigIgn"], 16) | int(fields["SigBlk"], 16)
    return {number for number in (*NUMBERS, signal.SIGUSR1) if masks >> (number - 1) & 1}


def kept_from_process(pid: int) -> set[int]:
    """The same of a process that runs."""
    return kept_from(Path(f"/proc/{pid}/status").read_text())
