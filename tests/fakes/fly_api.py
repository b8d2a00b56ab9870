"""A stand-in for Fly's Machines API that keeps its limits: rates, names once, disks of one region and machine, room."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]
TOKEN = "fly-owner-and-nobody-else"
APP = "acme-machines"
ALL = 1_000_000
ODD: dict[str, Any] = {"null": None, "list": [[], None, {"id": 1}], "words": "Bad Gateway", "object": {"id": "m"}}
"""Answers that are none, to what was done."""


class FlyStandIn:
    """Listens on loopback for the time of a `with` block. `clock` is the one by which it counts calls."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.machines: dict[str, Json] = {}
        self.volumes: dict[str, Json] = {}
        self.complaints: list[str] = []
        self.violations = 0  # of its rates
        self.room: dict[str, int] = {}  # by region: for so many machines more; else for all
        self.lose: set[str] = set()  # what is done and never answered, each once: "POST /machines"
        self.fail: dict[str, tuple[int, str]] = {}  # what is answered so, each once, and not done
        self.before: dict[str, Callable[[], object]] = {}  # what comes between, each once
        self.slow_to_stop = False
        self.count = 0  # of calls
        self.trouble: dict[int, str] = {}  # what becomes of the call of that number
        self._calls: dict[str, list[float]] = {}
        self._number = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.fly = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def asked(self, method: str, path: str, body: Json) -> tuple[int, Any]:
        """What it answers; with 0 in the place of a status: nothing."""
        parts, query = urlsplit(path), dict(parse_qsl(urlsplit(path).query))
        words = parts.path.removeprefix(f"/v1/apps/{APP}").strip("/").split("/")
        name = f"{method} /{words[0]}"
        if before := self.before.pop(name, None):
            before()
        with self._lock:
            if self._comes_too_often(method, words):
                self.violations += 1
                return 429, {"error": "rate limit exceeded"}
            if name in self.fail:
                status, why = self.fail.pop(name)
                return status, {"error": why}
            self.count += 1
            trouble = self.trouble.get(self.count, "")
            if trouble.isdigit():
                return int(trouble), {"error": "not now"}
            answer = self._done(method, words, body, query)
            if trouble:
                return (0, None) if trouble == "lost" else (200, ODD[trouble])
            if name in self.lose:
                self.lose.remove(name)
                return 0, None
            return answer

    def _comes_too_often(self, method: str, words: list[str]) -> bool:
        """One a second for each action on each machine or app, and three at once; of looks at a machine more."""
        is_look = method == "GET" and len(words) > 1
        rate, burst = (5.0, 10) if is_look else (1.0, 3)
        calls = self._calls.setdefault(f"{method} {'/'.join(words)}", [])
        calls.append(self.clock())
        left = float(burst)
        for before, now in zip([calls[0], *calls[:-1]], calls, strict=True):
            left = min(float(burst), left + (now - before) * rate) - 1.0
        if left >= -1e-6:
            return False
        calls.pop()
        return True

    def _done(self, method: str, words: list[str], body: Json, query: Json) -> tuple[int, Any]:
        match method, words:
            case "GET", ["machines"]:
                wanted = {key.removeprefix("metadata."): value for key, value in query.items()}
                return 200, [
                    one for one in self.machines.values() if wanted.items() <= one["config"]["metadata"].items()
                ]
            case "POST", ["machines"]:
                return self._machine(body)
            case "GET", ["volumes"]:
                return 200, list(self.volumes.values())
            case "POST", ["volumes"]:
                return self._volume(body)
            case "DELETE", ["volumes", one]:
                return self._delete_volume(one)
            case _, ["machines", one, *action]:
                return (
                    self._about(method, one, action, query) if one in self.machines else (404, {"error": "not found"})
                )
        return self._wrong(f"{method} {words}")

    def _about(self, method: str, machine: str, action: list[str], query: Json) -> tuple[int, Any]:
        match method, action:
            case "POST", ["start"]:
                return self._became(machine, "started")
            case "POST", ["stop"]:
                return self._became(machine, "stopping" if self.slow_to_stop else "stopped")
            case "GET", ["wait"]:
                is_so = self.machines[machine]["state"] == query["state"]
                return (200, {"ok": True}) if is_so else (408, {"error": "deadline_exceeded"})
            case "DELETE", [] if query.get("force") == "true":
                for volume in self.volumes.values():
                    if volume["attached_machine_id"] == machine:
                        volume["attached_machine_id"] = None
                del self.machines[machine]
                return 200, {"ok": True}
        return self._wrong(f"{method} {action} of a machine")

    def _wrong(self, what: str) -> tuple[int, Any]:
        self.complaints.append(f"no such call: {what}")
        return 404, {"error": "no such call"}

    def _became(self, machine: str, state: str) -> tuple[int, Any]:
        self.machines[machine]["state"] = state
        return 200, {"ok": True}

    def _machine(self, body: Json) -> tuple[int, Any]:
        [mount] = body["config"]["mounts"]
        volume = self.volumes.get(mount["volume"])
        if any(each["name"] == body["name"] for each in self.machines.values()):
            return 422, {
                "error": f"unique machine name violation, machine ID already exists with name {body['name']!r}"
            }
        if volume is None or volume["region"] != body["region"]:
            return 422, {"error": "the volume is in another region"}
        if volume["attached_machine_id"]:
            return 422, {"error": "volume is attached to another machine"}
        if self.room.get(body["region"], ALL) <= 0:
            return 422, {"error": "insufficient resources available to fulfill request"}
        self.room[body["region"]] = self.room.get(body["region"], ALL) - 1
        machine = {"id": self._id("m"), "state": "started", **body}
        volume["attached_machine_id"] = machine["id"]
        self.machines[machine["id"]] = machine
        return 200, machine

    def _volume(self, body: Json) -> tuple[int, Any]:
        if len(body["name"]) > 30 or not body["name"].replace("_", "").isalnum() or not body["name"].islower():
            self.complaints.append(f"a volume called {body['name']}")
            return 422, {"error": "name"}
        volume = {"id": self._id("vol"), "state": "created", "attached_machine_id": None, **body}
        self.volumes[volume["id"]] = volume
        return 200, volume

    def _delete_volume(self, one: str) -> tuple[int, Any]:
        if one not in self.volumes:
            return 404, {"error": "volume not found"}
        if self.volumes[one]["attached_machine_id"]:
            return 412, {"error": "volume is currently bound to a machine"}
        return 200, self.volumes.pop(one)

    def _id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}_{self._number}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self._any()

    def do_POST(self) -> None:
        self._any()

    def do_DELETE(self) -> None:
        self._any()

    def _any(self) -> None:
        fly: FlyStandIn = self.server.fly  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"error": f"not authorized: {self.headers.get('authorization')}"})
            return
        status, content = fly.asked(self.command, self.path, body)
        if status:
            self._answer(status, content)
        else:
            self.close_connection = True

    def _answer(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
