"""A console in the middle of a day's work: sessions in each state, questions of each kind, a long talk."""

import json
from collections.abc import Container
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pointsman.client.deferred import DeferredState, DeferredTask
from pointsman.client.gates import ProgramVersion
from pointsman.client.notes import NoteScope, NoteSource, NoteState
from pointsman.client.people_records import Ladder
from pointsman.client.permission_records import PermissionDetails, PermissionOption
from pointsman.client.records import Button, CommandState, SessionState
from pointsman.client.workspaces import Workspace, WorkspaceState
from tests.rigs.console_audience import a_rule
from tests.rigs.console_notes import a_note
from tests.rigs.console_router import FakeRouter, a_session
from tests.rigs.console_workspaces import a_workspace

ANSWER = """One test fails: an **empty body** is no JSON. I'd answer `400` there:

```python
def parse(request: Request) -> Body:
    \"\"\"What the caller sent. Raises BadRequest.\"\"\"
    if not request.body:  # an empty body is no JSON
        raise BadRequest("the body is empty", status=400)
    return Body(**json.loads(request.body))
```

| case | before | now |
| --- | --- | --- |
| empty body | 500 | 400 |
| no JSON | 500 | 400 |

See [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110).

- [x] parse
- [ ] map"""
DIFF = "\n".join((
    "--- api/handler.py", "+++ api/handler.py", "@@ -1,5 +1,8 @@", " def handle(request):",
    "-    body = json.loads(request.body)", "-    return call(body)",
    "+    return mapped(call(parse(request)))", "+", "+",
    "+def parse(request):", "+    return json.loads(request.body)", " ", " ", " def call(body):",
))  # fmt: skip
BASH = "```\nrm -rf build && make dist\n```\ndescription: Build it anew"
EDIT = (
    "file_path: tests/test_flaky.py\nold_string:\n```\nsleep(1)\nassert done\n```\n"
    "new_string:\n```\nwait_until(done)\n```\nreplace_all: False"
)
REASON = "\n\nReply to this message to deny with a reason."
ALLOW, DENY, ALLOW_FOR = Button("Allow", "allow"), Button("Deny", "deny"), Button("⏱ Allow for…", "for")
ALWAYS = Button("Always: Bash(make dist) in this project", "always")
_CHANGES: dict[str, object] = {
    "mode": "acceptEdits", "modes": ("default", "acceptEdits", "plan"), "model": "claude-opus-4-5",
    "controls": ("MODE", "MODEL", "INTERRUPT", "COMPACT", "CLEAR"),
}  # fmt: skip
FORMAT = "Which format?\n• HTML - for the web\n• PDF - for print"


def a_day() -> FakeRouter:
    """As it is now."""
    now = datetime.now(UTC)
    router = FakeRouter(now - timedelta(minutes=20))
    own = router.own
    own.add_machine("devbox", "~/src")
    programs = (
        ProgramVersion("claude", "2.1.332", "asks people before it does something"),
        ProgramVersion("gemini", "0.12.0", "in its mode default, set at each start", login="YES"),
        ProgramVersion("model", "", "answers (claude-opus-4-5); it has no tools"),
        ProgramVersion("codex", "", "in its mode read-only, set at each start", login="NO"),
    )
    own.known_machines[0] = replace(own.known_machines[0], programs=programs)
    own.add_machine("attic", connected=False)
    waiting, busy = SessionState.WAITING, SessionState.BUSY
    for session in (
        a_session(
            "s-1", label="api-refactor", backend="tmux", state=waiting, waiting_for="permission: Bash", **_CHANGES
        ),
        a_session("team/docs", label="docs"),
        a_session("c-1", label="claude", distinction="fix the flaky test", state=busy, backend="headless"),
        a_session("s-3", "attic", label="sensor", connected=False),
        a_session("old", label="yesterday", state=SessionState.ENDED),
    ):
        own.add_session(session)
    _talk(router, now - timedelta(minutes=18))
    own.tick(20 * 60)
    _questions(router)
    _queue(router)
    own.known_rules = (a_rule("r-1"), a_rule("r-2", tool="Edit", pattern="src/api", folder="~/src", answers=1))
    own.known_ladder = Ladder("15m again, 30m mail!", "failed, machine-lost")
    own.summaries = {"4711": "every day 8:00"}
    _later(router)
    own.known_workspaces = _workspaces()
    own.known_notes = (
        a_note(11, "Deployments run from the attic, at night, with deploy.sh --all"),
        a_note(12, "The empty body is a 400 since the refactoring; clients were told.", scope=NoteScope.PERSON,
               place="person ada", author="web:console (Ada)"),
        a_note(14, "Always run the tests with -n 2:\nthe machine has two cores.", state=NoteState.WAITING,
               source=NoteSource.SESSION, author="api-refactor on devbox"),
    )  # fmt: skip
    own.screens["s-1"] = (
        "\x1b[1m● api-refactor\x1b[0m\n\n\x1b[32m✓\x1b[0m 41 passed \x1b[31m✗\x1b[0m 1 failed\n\n"
        "\x1b[7m Do you want to proceed? \x1b[0m\n\x1b[38;5;75m> 1. Yes\x1b[0m\n  2. No\n"
    )
    return router


def _talk(router: FakeRouter, begins: datetime) -> None:
    own, tests = router.own, json.dumps({"command": "make test", "description": "Run the tests"})
    plan = [{"text": "Read it", "state": "DONE"}, {"text": "Split it", "state": "RUNNING"}, {"text": "Test it"}]
    story: list[tuple[str, dict[str, object]]] = [
        ("metadata", {"title": "Refactor the API", "model": "claude-opus-4-5", "mode": "acceptEdits"}),
        ("said", {"by": "USER", "text": "Split the handler into parse, call and map, and keep the tests green."}),
        ("said", {"by": "ASSISTANT", "text": "I'll look at the handler.\n\n1. Read `api/handler.py`\n2. Split it"}),
        (
            "tool",
            {"id": "1", "name": "Read", "kind": "READ", "title": "api/handler.py", "state": "DONE", "output": "1"},
        ),
        ("tool", {"id": "2", "name": "Grep", "kind": "SEARCH", "title": "def handle", "state": "DONE", "output": "1"}),
        ("plan", {"entries": plan}),
        ("tool", {"id": "3", "name": "Edit", "kind": "EDIT", "title": "api/handler.py", "state": "DONE", "diff": DIFF}),
        ("tool", {"id": "4", "name": "Bash", "kind": "RUN", "title": "make test", "input": tests, "state": "RUNNING"}),
        ("tool", {"id": "4", "state": "FAILED", "output": "1 failed, 41 passed in 2.31s"}),
        ("said", {"by": "ASSISTANT", "text": ANSWER}),
        ("said", {"by": "USER", "text": "Yes, 400 is right. Go on."}),
        ("tool", {"id": "5", "name": "mcp__github__create_issue", "kind": "OTHER", "title": "Empty", "state": "DONE"}),
        ("tool", {"id": "6", "name": "Bash", "kind": "RUN", "title": "make dist", "input": tests, "state": "RUNNING"}),
        ("usage", {"model": "claude-opus-4-5", "contextTokens": 62000}),
    ]
    for number, (kind, content) in enumerate(story):
        own.do("s-1", kind, begins + timedelta(seconds=20 * number), **content)
    sent = own.accept("s-1", "Yes, 400 is right. Go on.")
    at = begins + timedelta(seconds=195)
    own.known_commands[sent.command_id] = replace(
        sent, state=CommandState.DONE, created_at=at, received_at=at, typed_at=at, ended_at=at, taken_at=at
    )


def _questions(router: FakeRouter) -> None:
    own = router.own
    given = {"command": "rm -rf build && make dist", "description": "Build it anew"}
    options = tuple(PermissionOption(name, "", f"{name}".upper()) for name in ("allow", "deny"))
    details = PermissionDetails(input_json=json.dumps(given), editable=True)
    own.ask("q-1", "s-1", "Bash", BASH, details=details, options=options)
    risky = f"⚠️ It deletes files.\n\nMay it use Bash?\n\n{BASH}{REASON}"
    own.say("s-1", risky, ALLOW, ALLOW_FOR, ALWAYS, DENY, permission_id="q-1")
    own.ask("q-2", "c-1", "Edit", EDIT)
    own.say("c-1", f"May it use Edit?\n\n{EDIT}{REASON}", ALLOW, DENY, permission_id="q-2")
    own.ask("q-3", "team/docs", "AskUserQuestion", FORMAT, kind="QUESTION")
    choices = (Button("HTML", "option-1"), Button("PDF", "option-2"), Button("Don't answer", "deny"))
    own.say("team/docs", FORMAT, *choices, permission_id="q-3")


def _workspaces() -> tuple[Workspace, ...]:
    """Of each state one."""
    branch, waiting = "refs/heads/parse", WorkspaceState.WAITING
    return (
        a_workspace("acme/api@main", WorkspaceState.IN_USE, session_id="s-1", dirty=True, unpushed=2),
        a_workspace("acme/api@parse", waiting, ref=branch, unpushed=1, session_id="", detail="1 commit is only here"),
        a_workspace("acme/web@main", WorkspaceState.READY, session_id=""),
        a_workspace("acme/docs@typo", WorkspaceState.ARCHIVED, session_id="", decision="merged, and 7 days over"),
        a_workspace("acme/old@main", WorkspaceState.FAILED, session_id="", detail="git: repository not found"),
    )


def _queue(router: FakeRouter) -> None:
    own = router.own
    own.say("s-3", "The sensor is calibrated.")
    letter = own.accept("s-3", "reboot")
    own.bring(letter.command_id, CommandState.DEAD, reason="TOO_OLD")
    own.accept("s-3", "status")


def _later(router: FakeRouter) -> None:
    """In a month that is always the same."""
    own = router.own
    own.keeps("sync the branch and run the tests", "every weekday 9:00", session_id="s-1", times=_days(9))
    own.keeps("stand-up", "every mon,thu 10:00", DeferredTask.REMINDER, times=_days(10, (0, 3)))
    own.keeps(
        "look at the failures of the night", "every day 7:30", DeferredTask.START, machine_id="devbox", folder="~/src",
        times=_days(7, range(7)),
    )  # fmt: skip
    own.keeps("Is it warm there?", "on return", session_id="s-3")
    own.keeps("tidy up", "every 2h", session_id="c-1", state=DeferredState.PAUSED)


def _days(hour: int, weekdays: Container[int] = range(5)) -> list[datetime]:
    month = (datetime(2026, 12, day, hour, tzinfo=UTC) for day in range(9, 32))
    return [each for each in month if each.weekday() in weekdays]
