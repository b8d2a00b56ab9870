"""Check runs: only of an App, on a commit that is there, within their bounds; buttons; stale after 14 days."""

from typing import Any

from tests.fakes.github import payloads
from tests.fakes.github.events import Events
from tests.fakes.github.places import Places
from tests.fakes.github.request import Answer, Call, Route, page, route
from tests.fakes.github.throttle import Weight
from tests.fakes.github.world import NOT_FOUND, ApiError, CheckRun, Json, User, World

STALE_S = 14 * 86400.0
MOST_TEXT = 65_535
STATUSES = ("queued", "in_progress", "completed")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out")
_BOUNDS = {"label": 20, "description": 40, "identifier": 20}
_WRITE = Weight(write=True)
_CREATE = Weight(write=True, content=True)


class Checks:
    """Their endpoints, and what people do on the Checks tab."""

    def __init__(self, world: World, places: Places, events: Events) -> None:
        self._world, self._places, self._events = world, places, events

    def routes(self) -> list[Route]:
        repo = "/repos/{owner}/{repo}"
        return [
            route("POST", f"{repo}/check-runs", self._create, _CREATE),
            route("PATCH", f"{repo}/check-runs/{{id}}", self._change, _WRITE),
            route("GET", f"{repo}/check-runs/{{id}}", self._get),
            route("GET", f"{repo}/commits/{{sha}}/check-runs", self._list),
        ]

    def press(self, run: CheckRun, label: str, sender: User) -> None:
        """Somebody presses a button. Raises ValueError where there is none to be seen."""
        self._age()
        button = next((each for each in run.actions if each["label"] == label), None)
        if button is None or run.status != "completed" or not self._is_shown(run):
            raise ValueError(f"no button {label!r} to be seen")
        self._events.check(run, "requested_action", sender, requested_action={"identifier": button["identifier"]})

    def rerequest(self, run: CheckRun, sender: User) -> None:
        """Somebody presses Re-run; the run stays as it is."""
        if run.status != "completed":
            raise ValueError("only what is completed can be run again")
        self._events.check(run, "rerequested", sender)

    def _is_shown(self, run: CheckRun) -> bool:
        """The page shows the newest commit of a pull request."""
        return any(each.pull and each.pull.head_sha == run.head_sha for each in run.repository.issues.values())

    def _create(self, call: Call) -> Answer:
        repository = self._places.repository(call)
        call.caller.needs("checks", "write")
        name, sha = call.body.get("name"), call.body.get("head_sha")
        if not name or not sha:
            raise _invalid("name and head_sha are needed")
        if sha not in repository.commits:
            raise ApiError(422, f"No commit found for SHA: {sha}")
        run = CheckRun(self._world.new_id(), repository, call.caller.app.id, name, sha, self._world.clock.now())
        self._apply(run, call.body)
        self._world.checks[run.id] = run
        self._events.check(run, "created", call.caller.app.bot)
        return Answer(201, payloads.check_run(run, call.caller.app))

    def _change(self, call: Call) -> Answer:
        run = self._found(call)
        call.caller.needs("checks", "write")
        if run.app_id != call.caller.app.id:
            raise ApiError(403, "Invalid app_id: `check_run` can only be modified by the App that created it.")
        was = run.status
        self._apply(run, call.body)
        if run.status == "completed" != was:
            self._events.check(run, "completed", call.caller.app.bot)
        return Answer(200, payloads.check_run(run, call.caller.app))

    def _get(self, call: Call) -> Answer:
        return Answer(200, payloads.check_run(self._found(call), call.caller.app))

    def _list(self, call: Call) -> Answer:
        repository = self._places.repository(call)
        call.caller.needs("checks", "read")
        self._age()
        name, app_id = call.text("check_name"), call.text("app_id")
        found = [
            payloads.check_run(each, call.caller.app)
            for each in self._world.checks.values()
            if each.repository is repository
            and each.head_sha == call.names["sha"]
            and name in ("", each.name)
            and app_id in ("", str(each.app_id))
        ]
        found.reverse()  # the newest first
        return Answer(200, {"total_count": len(found), "check_runs": page(found, call)})

    def _found(self, call: Call) -> CheckRun:
        repository = self._places.repository(call)
        self._age()
        found = self._world.checks.get(int(call.names["id"]))
        if found is None or found.repository is not repository:
            raise ApiError(404, NOT_FOUND)
        return found

    def _age(self) -> None:
        """What was not completed within two weeks is stale, and only GitHub says so."""
        now = self._world.clock.now()
        for run in self._world.checks.values():
            if run.status != "completed" and now - run.created_at >= STALE_S:
                run.status, run.conclusion, run.completed_at = "completed", "stale", run.created_at + STALE_S

    def _apply(self, run: CheckRun, body: Json) -> None:
        _check(body)
        for name in ("name", "external_id", "details_url", "actions", "status"):
            if name in body:
                setattr(run, name, body[name])
        if body.get("output"):
            run.output = run.output | body["output"]
        if body.get("conclusion"):
            run.status, run.conclusion = "completed", body["conclusion"]
        if run.status == "completed":
            if not run.conclusion:
                raise _invalid("a completed run needs a conclusion")
            run.completed_at = self._world.clock.now()
        else:
            run.conclusion, run.completed_at = None, 0.0
        run.history.append({"status": run.status, "conclusion": run.conclusion} | run.output)


def _check(body: Json) -> None:
    """Raises ApiError where a bound is broken."""
    if body.get("status", "queued") not in STATUSES:
        raise _invalid("status")
    if body.get("conclusion") not in (None, *CONCLUSIONS):  # "stale" is GitHub's own
        raise _invalid("conclusion")
    output = body.get("output")
    if output is not None:
        if not output.get("title") or not output.get("summary"):
            raise _invalid("output needs a title and a summary")
        if any(len(str(output.get(name) or "")) > MOST_TEXT for name in ("summary", "text")):
            raise _invalid(f"output is too long (maximum is {MOST_TEXT} characters)")
    actions: Any = body.get("actions") or []
    if len(actions) > 3:
        raise _invalid("no more than 3 actions")
    for action in actions:
        for name, most in _BOUNDS.items():
            if not 0 < len(action.get(name) or "") <= most:
                raise _invalid(f"{name} of an action must have 1 to {most} characters")


def _invalid(words: str) -> ApiError:
    return ApiError(422, "Invalid request.", errors=[words])
