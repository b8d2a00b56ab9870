"""Stands before a program that speaks ACP and writes down what it is told and what it answers: acp_tap.py FILE PROGRAM…

A row each, on disk before it goes on: {"began": PID} at its start, {"prompt": TEXT, "id": …} before the program has it,
{"end": STOP_REASON, "id": …} of each prompt, {"cancel": true}. Everything else passes unseen. It ends with its program.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from typing import IO, Any

FILE = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
prompts: set[Any] = set()


def note(**row: Any) -> None:
    os.write(FILE, json.dumps(row).encode() + b"\n")
    os.fsync(FILE)


def told(line: bytes) -> None:
    """What the agent says."""
    if b'"session/prompt"' in line:
        message = json.loads(line)
        prompts.add(message["id"])
        note(prompt=message["params"]["prompt"][0]["text"], id=message["id"])
    elif b'"session/cancel"' in line:
        note(cancel=True)


def answered(line: bytes) -> None:
    """What the program says."""
    if b'"method"' in line:  # most lines, and the long ones
        return
    try:
        message = json.loads(line)
    except ValueError:
        return
    if isinstance(message, dict) and message.get("id") in prompts:
        prompts.remove(message["id"])
        note(end=(message.get("result") or {}).get("stopReason", "error"), id=message["id"])


def passed(source: IO[bytes], target: IO[bytes]) -> None:
    """What the agent says, up to its end."""
    with target:
        for line in source:
            told(line)
            target.write(line)
            target.flush()


if "--version" in sys.argv:
    os.execv(sys.argv[2], sys.argv[2:])
signal.signal(signal.SIGTERM, lambda *_: None)  # the program has it, too, and may still say something
program = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert program.stdin is not None
assert program.stdout is not None
note(began=os.getpid())
threading.Thread(target=passed, args=(sys.stdin.buffer, program.stdin), daemon=True).start()
try:
    for line in program.stdout:
        answered(line)
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
except BrokenPipeError:  # the agent is gone: the program sees that as we do, and may go on
    program.stdout.close()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
sys.exit(program.wait())
