"""Claude Code in stream-json mode as far as taking prompts goes: stream_recorder.py FILE.

Writes each prompt to the file, with a carriage return behind it, before it says that it has it.
"""

import json
import sys
from pathlib import Path

with Path(sys.argv[1]).open("ab", buffering=0) as record:
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if message["type"] == "user":
            record.write(message["message"]["content"].encode() + b"\r")
            taken = {"type": "command_lifecycle", "command_uuid": message["uuid"], "state": "queued"}
            sys.stdout.write(json.dumps(taken) + "\n")
            sys.stdout.flush()
