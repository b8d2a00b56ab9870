"""The plan that Claude Code changes task by task is told whole, wherever its record is read on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.backends.claude.transcript_file import MOST_PACKED, Cursor, TranscriptFile
from agent.domain.session_event import MAX_ENTRIES, Planned, WorkState

Row = dict[str, Any]


class Talk:
    """A record, read as the agent does, which dies behind each look."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cursor = Cursor()
        self._rows = 0
        self.dies = True
        self._file = TranscriptFile(str)

    def add(self, *rows: Row) -> None:
        with self.path.open("a") as file:
            for row in rows:
                self._rows += 1
                stamp = f"2026-11-29T12:{self._rows // 60:02}:{self._rows % 60:02}.000Z"
                file.write(json.dumps({"timestamp": stamp, "sessionId": self.path.stem} | row) + "\n")

    def plans(self, *rows: Row) -> list[str]:
        """What is told of plans behind these rows."""
        self.add(*rows)
        found: list[str] = []
        while True:
            if self.dies:
                self.close()
                self._file = TranscriptFile(str)
            read = self._file.read(self.cursor, str(self.path))
            assert len(read.cursor.packed()) <= MOST_PACKED
            self.cursor = Cursor.unpacked(read.cursor.packed())
            found += [shown(event.what) for event in read.events if isinstance(event.what, Planned)]
            if not read.more:
                return found

    def close(self) -> None:
        self._file.close()


def shown(plan: Planned) -> str:
    marks = {WorkState.PENDING: "-", WorkState.RUNNING: ">", WorkState.DONE: "+"}
    return " ".join(marks[state] + text for text, state in plan.entries)


def use(name: str, use_id: str, **given: Any) -> Row:
    block = {"type": "tool_use", "id": use_id, "name": name, "input": given}
    return {"type": "assistant", "message": {"content": [block]}}


def end(use_id: str, result: Any, *, is_error: bool = False) -> Row:
    block = {"type": "tool_result", "tool_use_id": use_id, "content": "it says so", "is_error": is_error}
    return {"type": "user", "message": {"content": [block]}, "toolUseResult": result}


def made(number: int, text: str) -> tuple[Row, Row]:
    task = {"id": str(number), "subject": text, "description": "at length"}
    return use("TaskCreate", f"c{number}", subject=text, description="at length"), end(f"c{number}", {"task": task})


def changed(number: int, status: str, **given: Any) -> tuple[Row, Row]:
    fields = ["deleted"] if status == "deleted" else [*given, "status"]
    result = {"success": True, "taskId": str(number), "updatedFields": fields, "statusChange": {"to": status}}
    name = f"u{number}{status}"
    return use("TaskUpdate", name, taskId=str(number), status=status, **given), end(name, result)


@pytest.fixture(params=[True, False], ids=["agents that die", "one agent"])
def talk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Talk]:
    talk = Talk(tmp_path / "talk.jsonl")
    talk.dies = request.param
    talk.path.touch()
    yield talk
    talk.close()


def test_each_change_tells_the_whole_plan(talk: Talk) -> None:
    assert talk.plans(*made(1, "look")) == ["-look"]
    assert talk.plans(*made(2, "mend")) == ["-look -mend"]
    assert talk.plans(*changed(1, "in_progress")) == [">look -mend"]
    assert talk.plans(*changed(1, "completed"), *changed(2, "in_progress", subject="mend all")) == [
        "+look -mend", "+look >mend all",
    ]  # fmt: skip
    assert talk.plans(*changed(2, "deleted")) == ["+look"]


def test_what_only_begins_tells_nothing_yet_and_counts_once_it_has_ended(talk: Talk) -> None:
    talk.plans(*made(1, "look"))
    begun, ended = changed(1, "completed")

    assert talk.plans(begun) == []
    assert talk.plans(ended) == ["+look"]


def test_what_the_program_did_not_do_changes_nothing(talk: Talk) -> None:
    talk.plans(*made(1, "look"))
    refused = {"success": False, "taskId": "1", "updatedFields": [], "error": "Task not found"}

    assert talk.plans(use("TaskUpdate", "u", taskId="1", status="completed"), end("u", refused)) == []
    assert talk.plans(use("TaskCreate", "c", subject="x"), end("c", "Error: no such tool", is_error=True)) == []
    assert talk.plans(*changed(9, "completed")) == []
    assert talk.plans(use("Bash", "b"), end("b", {"task": {"id": "7", "subject": "of another tool"}})) == []


def test_behind_all_that_was_done_a_new_plan_begins(talk: Talk) -> None:
    talk.plans(*made(1, "look"), *changed(1, "completed"))

    assert talk.plans(*made(2, "mend")) == ["-mend"]


def test_a_number_that_comes_again_is_of_a_new_plan(talk: Talk) -> None:
    talk.plans(*made(1, "look"), *made(2, "mend"))

    assert talk.plans(*made(1, "begin anew")) == ["-begin anew"]


def test_what_is_read_again_is_the_same(talk: Talk) -> None:
    talk.plans(*made(1, "look"))
    before = talk.cursor
    first = talk.plans(*made(2, "mend"), *changed(1, "completed"))
    talk.cursor = before

    assert talk.plans() == first == ["-look -mend", "+look -mend"]


def test_a_list_that_the_program_shows_is_the_plan(talk: Talk) -> None:
    talk.plans(*made(1, "look"))
    shown_tasks = [{"id": "1", "subject": "look", "status": "completed"}, {"id": "4", "subject": "of before"}]

    assert talk.plans(use("TaskList", "l"), end("l", {"tasks": shown_tasks})) == ["+look -of before"]
    assert talk.plans(use("TaskList", "m"), end("m", {"tasks": shown_tasks})) == []
    assert talk.plans(use("TaskList", "n"), end("n", {"tasks": []})) == [""]


def test_a_talk_behind_clear_has_a_plan_of_its_own(talk: Talk, tmp_path: Path) -> None:
    talk.plans(*made(1, "look"))
    talk.path = tmp_path / "behind-clear.jsonl"

    assert talk.plans(*made(1, "mend")) == ["-mend"]


def test_it_goes_on_behind_compaction_and_where_a_talk_is_taken_up_again(talk: Talk, tmp_path: Path) -> None:
    talk.plans(*made(1, "look"), {"type": "system", "subtype": "compact_boundary", "content": "Compacted"})
    assert talk.plans(*made(2, "mend")) == ["-look -mend"]

    first, talk.path = talk.path, tmp_path / "between.jsonl"
    talk.plans(*made(1, "of another talk"))
    talk.path = first

    assert talk.plans(*changed(1, "completed")) == ["+look -mend"]


def test_what_a_fork_has_copied_is_not_on_its_list(talk: Talk) -> None:
    copied, ended = made(1, "look")

    assert talk.plans(copied | {"requestSessionId": "another"}, ended) == []
    assert talk.plans(*made(2, "mend")) == ["-mend"]


def test_what_a_subagent_means_to_do_is_no_plan_of_the_talk(talk: Talk) -> None:
    assert talk.plans(*(row | {"isSidechain": True} for row in made(1, "look"))) == []
    assert talk.plans(*made(2, "mend")) == ["-mend"]


def test_of_more_than_a_plan_may_have_the_oldest_that_are_done_are_left_out(talk: Talk) -> None:
    rows = [row for number in range(1, MAX_ENTRIES + 2) for row in made(number, f"t{number}")]
    talk.plans(*rows, *changed(2, "completed"))

    newest = talk.plans(*changed(3, "in_progress"))[-1].split()

    assert len(newest) == MAX_ENTRIES
    assert newest[:3] == ["-t1", ">t3", "-t4"]


@pytest.mark.parametrize(
    "result",
    ["", {"task": None}, {"task": {"id": 1, "subject": "x"}}, {"task": {"id": "1"}}, {"tasks": "x"}, {"task": [[]]}],
)
def test_what_is_nothing_of_the_kind_is_passed_over(talk: Talk, result: Any) -> None:
    talk.plans(*made(1, "look"))

    assert talk.plans(use("TaskCreate", "c"), end("c", result)) == []
    assert talk.plans(use("TaskList", "l"), end("l", result)) == []
