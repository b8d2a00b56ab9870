"""The stand-in's REST API: who calls, within which limits, and which endpoint answers; every call is kept."""

import hashlib
import json
import re
import threading
from dataclasses import dataclass, replace

from tests.fakes.github.credentials import Caller, Credentials
from tests.fakes.github.request import Answer, Call, Request, Route
from tests.fakes.github.throttle import Throttle, Weight
from tests.fakes.github.world import NOT_FOUND, ApiError, Json, World

TOKEN = re.compile(
    r"gh[a-z]_[A-Za-z0-9._-]{20,}|github_pat_\w{20,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}|-----BEGIN [A-Z ]*PRIVATE"
)
_BY_NAME = re.compile(r"/repositories/(\d+)(/.+)")


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made, and its answer."""

    at: float
    method: str
    path: str
    query: dict[str, str]
    body: Json
    status: int


class Api:
    """All endpoints. Calls come from several threads."""

    def __init__(self, world: World, credentials: Credentials, routes: list[Route]) -> None:
        self._world, self._credentials, self._routes = world, credentials, routes
        self.throttles: dict[int, Throttle] = {}  # of installations; 0: the App itself
        self._lock = threading.Lock()  # guards `throttles`
        self.calls: list[Made] = []
        self.versions: set[str] = set()

    def serve(self, request: Request) -> Answer:
        """Answer a call."""
        try:
            answer = self._served(request)
        except ApiError as refused:
            answer = Answer(refused.status, refused.body, refused.headers)
        self._judge(request, answer)
        with self._world.changed:
            now = self._world.clock.now()
            made = Made(now, request.method, request.path, request.query, request.body, answer.status)
            self.calls.append(made)
            self._world.changed.notify_all()
        return answer

    def throttle(self, installation_id: int = 0) -> Throttle:
        with self._lock:
            return self.throttles.setdefault(installation_id, Throttle(self._world))

    def _served(self, request: Request) -> Answer:
        caller = self._caller(request)
        throttle = self.throttle(caller.token.installation.id if caller.token else 0)
        request = self._by_name(request)
        found, names = self._route(request)
        weight = found.weight if found else Weight()
        try:
            throttle.enter(weight)
        except ApiError as refused:
            refused.headers = throttle.headers() | refused.headers
            raise
        status = 500
        try:
            answer = self._handled(found, Call(request, caller, names))
            answer = _unchanged(request, answer)
            status = answer.status
        except ApiError as refused:
            refused.headers = throttle.headers() | refused.headers
            raise
        finally:
            throttle.leave(weight, status)
        answer.headers = throttle.headers() | answer.headers
        return answer

    def _caller(self, request: Request) -> Caller:
        with self._world.changed:
            return self._credentials.caller(request.headers.get("authorization", ""))

    def _handled(self, found: Route | None, call: Call) -> Answer:
        if found is None:
            raise ApiError(404, NOT_FOUND)
        if found.by_app != (call.caller.token is None):
            raise ApiError(401 if found.by_app else 403, "A JSON web token could not be decoded")
        with self._world.changed:
            answer = found.handler(call)
            self._world.changed.notify_all()
            return answer

    def _route(self, request: Request) -> tuple[Route | None, dict[str, str]]:
        for each in self._routes:
            if each.method == request.method and (match := each.path.fullmatch(request.path)):
                return each, match.groupdict()
        return None, {}

    def _by_name(self, request: Request) -> Request:
        """Below /repositories/ID is what is below /repos/OWNER/NAME: that is where redirects lead."""
        match = _BY_NAME.fullmatch(request.path)
        repository = self._world.repositories.get(int(match[1])) if match else None
        return replace(request, path=f"/repos/{repository.full_name}{match[2]}") if match and repository else request

    def _judge(self, request: Request, answer: Answer) -> None:
        told = json.dumps(request.body) + request.path + json.dumps(request.query)
        if TOKEN.search(told):
            self._world.violation(f"a secret in {request.method} {request.path}")
        if request.headers.get("user-agent", "") == "":
            self._world.violation("a call without a User-Agent")
        self.versions.add(request.headers.get("x-github-api-version", ""))
        if answer.status == 422 and request.path != "/app-manifests":
            self._world.violation(f"not valid: {request.method} {request.path}: {answer.body}")


def _unchanged(request: Request, answer: Answer) -> Answer:
    """304 where the caller has it already."""
    if request.method != "GET" or answer.status != 200:
        return answer
    tag = f'W/"{hashlib.sha256(json.dumps(answer.body, sort_keys=True).encode()).hexdigest()}"'
    answer.headers["ETag"] = tag
    if request.headers.get("if-none-match") == tag:
        return Answer(304, None, answer.headers)
    return answer
