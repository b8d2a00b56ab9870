"""Claude Code in stream-json mode as far as asking goes: stream_asker.py FILE [PROMPTS].

Asks with each prompt whether it may do something, and writes to the file before it goes on: [allow], or what it hears
with a no. What it is told goes to PROMPTS, before it says that it has it.
"""

import json
import sys
from pathlib import Path


def say(**message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def becomes(state: str) -> None:
    say(type="system", subtype="session_state_changed", state=state)


with Path(sys.argv[1]).open("ab", buffering=0) as record:
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if message["type"] == "user":
            for file in sys.argv[2:]:
                with Path(file).open("a") as prompts:
                    prompts.write(f"{message['message']['content']}\n")
            say(type="command_lifecycle", command_uuid=message["uuid"], state="started")
            becomes("running")
            request = {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "npm install"}}
            say(type="control_request", request_id="r1", request=request)
            becomes("requires_action")
        elif message["type"] == "control_response":
            heard = message["response"]["response"]
            record.write(heard.get("message", f"[{heard['behavior']}]").encode())
            becomes("running")
            say(type="result", result="did something else")
            becomes("idle")
