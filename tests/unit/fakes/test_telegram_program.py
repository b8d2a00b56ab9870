import subprocess
import sys

import requests


def test_it_runs_as_a_program_and_stops_on_sigterm() -> None:
    command = [sys.executable, "-m", "tests.fakes.telegram", "--port", "0", "--chat", "4711", "--token", "5:abc"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        _, _, url, _, token = program.stdout.readline().split()
        sent = requests.post(f"{url}/bot{token}/sendMessage", json={"chat_id": 4711, "text": "hi"}, timeout=5)
        shown = requests.get(f"{url}/_stub/messages", params={"chat_id": 4711}, timeout=5).json()
        program.terminate()
        code = program.wait(timeout=20)

    assert (sent.status_code, [message["text"] for message in shown], code) == (200, ["hi"], 0)
