"""What subagents do is told within the use that began them, once and in order, wherever it is read on."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.backends.claude import transcript_file
from agent.backends.claude.subagents import MOST, Subagent
from agent.backends.claude.transcript import Known
from agent.backends.claude.transcript_file import Cursor, TranscriptFile
from agent.domain.session_event import Described, Event, Said, ToolUsed

IDS = ("a1", "b2")


class Talk:
    """A record, and those of its subagents; read as the agent does, which dies behind each look."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "talk.jsonl"
        self.folder = folder / "talk" / "subagents"
        self.folder.mkdir(parents=True)
        self.path.touch()
        self.cursor = Cursor()

    def add(self, *rows: dict[str, Any]) -> None:
        _add(self.path, rows)

    def child(self, agent_id: str, *rows: dict[str, Any]) -> None:
        _add(self.folder / f"agent-{agent_id}.jsonl", [row | {"isSidechain": True} for row in rows])

    def describe(self, agent_id: str, tool_id: str) -> None:
        (self.folder / f"agent-{agent_id}.meta.json").write_text(json.dumps({"toolUseId": tool_id}))

    def told(self) -> list[str]:
        found: list[Event] = []
        more = True
        while more:
            file = TranscriptFile(str)
            read = file.read(self.cursor, str(self.path))
            file.close()
            found, more = found + list(read.events), read.more
            self.cursor = Cursor.unpacked(read.cursor.packed())
        return [shown(event.what) for event in found if isinstance(event.what, ToolUsed | Said)]

    def looks(self) -> object:
        file = TranscriptFile(str)
        return file.looks(self.cursor, str(self.path))


def _add(path: Path, rows: Any) -> None:
    with path.open("a") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows))


def shown(what: object) -> str:
    match what:
        case ToolUsed() as used:
            within = f"{used.parent_id}/" if used.parent_id else ""
            return f"{within}{used.tool_id} {used.state.value}"
        case Said(_, text):
            return text
    return ""


def use(tool_id: str, name: str = "Bash") -> dict[str, Any]:
    block = {"type": "tool_use", "id": tool_id, "name": name, "input": {"command": "ls"}}
    return {"type": "assistant", "message": {"content": [block]}}


def result(tool_id: str, **of_agent: Any) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": tool_id, "content": "ok"}
    return {"type": "user", "message": {"content": [block]}, "toolUseResult": of_agent}


def over(tool_id: str, status: str = "completed") -> dict[str, Any]:
    text = f"<task-notification>\n<task-id>a1</task-id>\n<tool-use-id>{tool_id}</tool-use-id>\n"
    text += f"<status>{status}</status>\n<result>It is so.</result>\n</task-notification>"
    return {"type": "user", "origin": {"kind": "task-notification"}, "message": {"content": text}}


def over_in_a_turn(tool_id: str) -> dict[str, Any]:
    """The same where the coding agent was at work by then, and took it between two tools."""
    text = over(tool_id)["message"]["content"]
    queued = {"type": "queued_command", "prompt": text, "commandMode": "task-notification"}
    return {"type": "attachment", "attachment": queued}


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


def test_what_one_does_is_told_as_it_does_it_and_its_end_when_it_comes(talk: Talk) -> None:
    talk.add(use("t1", "Agent"), result("t1", isAsync=True, agentId="a1"))
    talk.child("a1", {"type": "user", "message": {"content": "look around"}}, use("c1"))
    begun = talk.told()
    talk.child("a1", result("c1"), use("c2"))
    going_on = talk.told()
    talk.child("a1", result("c2"))
    talk.add(over("t1"))
    ended = talk.told()

    assert begun == ["t1 RUNNING", "t1/c1 RUNNING"]
    assert going_on == ["t1/c1 DONE", "t1/c2 RUNNING"]
    assert ended == ["t1 DONE", "t1/c2 DONE"]
    assert talk.cursor.known.agents == ()


def test_one_that_failed_behind_its_use_is_told_as_that(talk: Talk) -> None:
    talk.add(use("t1", "Task"), result("t1", isAsync=True, agentId="a1"), over("t1", "killed"))

    assert talk.told() == ["t1 RUNNING", "t1 FAILED"]


def test_one_that_is_over_in_the_middle_of_a_turn_is_told_as_that(talk: Talk) -> None:
    talk.add(use("t1", "Agent"), result("t1", isAsync=True, agentId="a1"), use("t2"), result("t2"))
    talk.add(over_in_a_turn("t1"))

    assert talk.told() == ["t1 RUNNING", "t2 RUNNING", "t2 DONE", "t1 DONE"]
    assert talk.cursor.known.agents == ()


def test_which_use_it_belongs_to_says_the_file_beside_it(talk: Talk) -> None:
    talk.add(use("t1", "Agent"), use("t2", "Agent"))
    for agent_id, tool_id in zip(IDS, ("t2", "t1"), strict=True):
        talk.child(agent_id, use(f"of-{agent_id}"))
        talk.describe(agent_id, tool_id)

    assert talk.told() == ["t1 RUNNING", "t2 RUNNING", "t1/of-b2 RUNNING", "t2/of-a1 RUNNING"]


def test_a_file_that_is_just_being_written_is_read_once_it_is_whole(talk: Talk) -> None:
    record = talk.folder / "agent-a1.meta.json"
    record.write_text('{"toolUseId": "t')
    talk.add(use("t1", "Agent"))
    talk.child("a1", use("c1"))
    file = TranscriptFile(str)
    half = file.read(file.read(talk.cursor, str(talk.path)).cursor, str(talk.path))
    record.write_text('{"toolUseId": "t1"}')
    whole = file.read(half.cursor, str(talk.path))
    file.close()

    assert [shown(event.what) for event in half.events] == ["t1 RUNNING"]
    assert [shown(event.what) for event in whole.events] == ["t1/c1 RUNNING"]


def test_where_only_the_end_says_it_all_is_told_then(talk: Talk) -> None:
    talk.add(use("t1", "Task"))
    talk.child("a1", use("c1"), result("c1"))
    before = talk.told()
    talk.add(result("t1", agentId="a1"))

    assert before == ["t1 RUNNING"]
    assert talk.told() == ["t1 DONE", "t1/c1 RUNNING", "t1/c1 DONE"]


def test_one_that_a_subagent_begins_is_followed_too(talk: Talk) -> None:
    talk.add(use("t1", "Agent"))
    talk.describe("a1", "t1")
    talk.child("a1", use("c1", "Agent"))
    talk.describe("b2", "c1")
    talk.child("b2", use("d1"))

    assert talk.told() + talk.told() == ["t1 RUNNING", "t1/c1 RUNNING", "c1/d1 RUNNING"]


def test_a_look_sees_that_one_has_gone_on(talk: Talk) -> None:
    talk.add(use("t1", "Agent"))
    talk.told()
    awaited = talk.looks()
    talk.child("a1", use("c1"))
    talk.describe("a1", "t1")
    there = talk.looks()
    talk.child("a1", result("c1"))

    assert len({awaited, there, talk.looks()}) == 3


def test_much_that_one_did_comes_in_parts_and_whole(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript_file, "MAX_EVENTS", 3)
    talk.add(use("t1", "Agent"), result("t1", isAsync=True, agentId="a1"))
    talk.child("a1", *(use(f"c{number}") for number in range(10)))

    assert talk.told() == ["t1 RUNNING", *(f"t1/c{number} RUNNING" for number in range(10))]


def test_of_a_talk_that_another_one_follows_none_is_followed_any_more(talk: Talk, tmp_path: Path) -> None:
    talk.add(use("t1", "Agent"), result("t1", isAsync=True, agentId="a1"))
    talk.told()
    talk.path = tmp_path / "next.jsonl"
    talk.add({"type": "user", "timestamp": "2026-11-29T12:00:00Z", "message": {"content": "anew"}})

    assert talk.told() == ["anew"]
    assert talk.cursor.known.agents == ()


def test_what_names_a_file_elsewhere_is_not_followed(talk: Talk, tmp_path: Path) -> None:
    _add(tmp_path / "agent-x.jsonl", [use("c1")])
    talk.add(use("t1", "Agent"), result("t1", isAsync=True, agentId="../../agent-x"))
    talk.describe("..%2f", "t1")

    assert talk.told() == ["t1 RUNNING"]


def test_what_there_is_no_room_for_in_the_cursor_is_left_out() -> None:
    agents = tuple(Subagent(f"t{number}") for number in range(MOST))
    described = Described("\u6f22" * 200, "m" * 200, "\u6f22" * 200, "b" * 200)
    long = Cursor("/" + "p" * 600, known=Known(described=described, agents=agents))
    longer = replace(long, path="/" + "p" * 2500)

    assert Cursor.unpacked(long.packed()) == replace(long, known=Known(described=described))
    assert Cursor.unpacked(longer.packed()) == replace(longer, known=Known())


def test_the_cursor_has_room_for_as_many_as_are_followed(talk: Talk) -> None:
    for number in range(MOST + 5):
        talk.add(use(f"toolu_{'x' * 60}{number}", "Agent"))
        talk.add(result(f"toolu_{'x' * 60}{number}", isAsync=True, agentId=f"a{'f' * 30}{number}"))
        talk.child(f"a{'f' * 30}{number}", use("c"))
    talk.told()

    assert len(talk.cursor.known.agents) == MOST
    assert len(talk.cursor.packed()) < 4096
