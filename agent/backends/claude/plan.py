"""What Claude Code means to do, as its record tells: its list of tasks, which it changes one by one. Pure.

As seen in 2.1.329, which has TaskCreate, TaskUpdate and TaskList, for some models or where
CLAUDE_CODE_ENABLE_TODO_TOOLS=1 says so; TodoWrite, before, held the whole list. Only the main conversation has one.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from agent.domain.session_event import MAX_ENTRIES, MAX_LINE, Planned, WorkState

Json = Mapping[str, object]

TOOLS = ("TaskCreate", "TaskUpdate", "TaskList")
MOST = 500  # tasks that are remembered, and uses whose end is awaited
STATES = {"pending": WorkState.PENDING, "in_progress": WorkState.RUNNING, "completed": WorkState.DONE}
_LONGEST = 80  # characters of an id


@dataclass(frozen=True, slots=True)
class Task:
    """One of them, under the number that the program gave it."""

    id: str
    text: str
    state: WorkState = WorkState.PENDING


@dataclass(frozen=True, slots=True)
class Tasks:
    """All that are on the list, and uses of its tools that have not ended: which tool, and the text it would set."""

    known: tuple[Task, ...] = ()
    asked: tuple[tuple[str, str, str], ...] = ()

    def planned(self) -> Planned:
        """As a plan; of more than it may have the oldest that are done are left out."""
        over = max(len(self.known) - MAX_ENTRIES, 0)
        old = [one.id for one in self.known if one.state is WorkState.DONE][:over]
        return Planned(tuple((one.text, one.state) for one in self.known if one.id not in old))


def is_touched(line: bytes) -> bool:
    """Whether a line of the record may be about tasks; most are not, and need no second look."""
    return b'"Task' in line or b'"task' in line  # a tool that is used, or what the program says of its end


def behind(tasks: Tasks, line: bytes) -> Tasks:
    """The list behind a line. What is no row changes nothing, nor what a fork has copied: it has a list of its own."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return tasks
    if not isinstance(row, dict) or row.get("type") not in ("user", "assistant") or row.get("isSidechain") is True:
        return tasks
    if row.get("requestSessionId", row.get("sessionId")) != row.get("sessionId"):
        return tasks
    for block in _dicts(_part(row, "message").get("content")):
        if block.get("type") == "tool_use" and block.get("name") in TOOLS:
            tasks = _asked(tasks, block)
        elif block.get("type") == "tool_result":
            tasks = _ended(tasks, block, _part(row, "toolUseResult"))
    return tasks


def _asked(tasks: Tasks, block: Json) -> Tasks:
    use, name = _text(block, "id"), _text(block, "name")
    if not use or len(use) > _LONGEST:
        return tasks
    return replace(tasks, asked=(*tasks.asked, (use, name, _text(_part(block, "input"), "subject")))[-MOST:])


def _ended(tasks: Tasks, block: Json, result: Json) -> Tasks:
    """Behind the end of a use: what was asked counts once the program says that it is so."""
    use = _text(block, "tool_use_id")
    name, text = next(((name, text) for asked, name, text in tasks.asked if asked == use), ("", ""))
    tasks = replace(tasks, asked=tuple(one for one in tasks.asked if one[0] != use))
    if block.get("is_error") is True:
        return tasks
    match name:
        case "TaskCreate":
            return replace(tasks, known=_made(tasks.known, list(_read([result.get("task")]))))
        case "TaskUpdate":
            return replace(tasks, known=_changed(tasks.known, result, text))
        case "TaskList" if isinstance(result.get("tasks"), list):
            return replace(tasks, known=tuple(_read(result["tasks"]))[-MOST:])
    return tasks


def _made(known: tuple[Task, ...], made: list[Task]) -> tuple[Task, ...]:
    """With one more. The program forgets a list once all is done; a number that comes again is of a new one, too."""
    is_over = all(one.state is WorkState.DONE for one in known)
    is_new = any(one.id == new.id for one in known for new in made)
    return (*(() if is_over or is_new else known), *made)[-MOST:] if made else known


def _changed(known: tuple[Task, ...], result: Json, text: str) -> tuple[Task, ...]:
    task_id, status = _text(result, "taskId"), _text(_part(result, "statusChange"), "to")
    if status == "deleted":
        return tuple(one for one in known if one.id != task_id)
    fields = result.get("updatedFields")
    is_named = bool(text) and isinstance(fields, list) and "subject" in fields
    return tuple(
        replace(one, text=text if is_named else one.text, state=STATES.get(status, one.state))
        if one.id == task_id else one for one in known
    )  # fmt: skip


def _read(given: object) -> Iterator[Task]:
    for one in _dicts(given):
        task_id, text = _text(one, "id"), _text(one, "subject")
        if task_id and text and len(task_id) <= _LONGEST:
            yield Task(task_id, text, STATES.get(_text(one, "status"), WorkState.PENDING))


def _dicts(given: object) -> list[Json]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _part(row: Json, name: str) -> Json:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _text(row: Json, name: str) -> str:
    value = row.get(name)
    # A lone surrogate is legal JSON, but no protobuf takes it.
    return value.encode(errors="replace").decode()[: 10 * MAX_LINE] if isinstance(value, str) else ""
