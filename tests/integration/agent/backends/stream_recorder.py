"""Claude Code in stream-json mode as far as taking prompts goes: stream_recorder.py FILE.

Writes each prompt to the file, with a carriage return behind it, before it says that it has it. Stops when told to.
"""

import json
import sys
from pathlib import Path

with Path(sys.argv[1]).open("ab", buffering=0) as record:
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if message["type"] == "user":
            record.write(message["message"]["content"].encode() + b"\r")
            said = {"type": "command_lifecycle", "command_uuid": message["uuid"], "state": "queued"}
        else:
            done = {"request_id": message["request_id"], "subtype": "success"}
            said = {"type": "control_response", "response": done}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
