"""What a hook costs the program that runs it, where there is no agent: people wait for it at every prompt."""

import subprocess
import sys
import time
from pathlib import Path

from tests.fakes.hook_caller import call


def measure(folder: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each: Python that does nothing, and the hook's client, by turns."""
    bare, ours = list[float](), list[float]()
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-S", "-c", ""], input=b"{}", capture_output=True, check=True)
        between = time.perf_counter()
        call(folder, "Stop", b"{}", {})
        bare.append(between - began)
        ours.append(time.perf_counter() - between)
    return bare, ours
