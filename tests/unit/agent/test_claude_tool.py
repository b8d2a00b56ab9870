"""What Claude Code means to do with a tool, in words for people: commands, changes of files, arguments."""

import json
from typing import Any

import pytest

from agent.domain import claude_tool

EDIT = {"file_path": "/w/a.py", "old_string": "b\n", "new_string": "B\nc\n"}


@pytest.mark.parametrize(
    ("tool", "given", "title"),
    [
        ("Bash", {"command": "npm test", "description": "Run the tests"}, "npm test"),
        ("Bash", {"command": "cd x\nmake"}, "cd x …"),
        ("Edit", EDIT, "/w/a.py"),
        ("NotebookEdit", {"notebook_path": "/w/n.ipynb", "new_source": "x"}, "/w/n.ipynb"),
        ("WebFetch", {"url": "https://example.org", "prompt": "sum it up"}, "https://example.org"),
        ("mcp__github__create_issue", {"title": "Crash"}, "create_issue (MCP server github)"),
        ("mcp__my__server__do_it", {}, "server__do_it (MCP server my)"),
        ("OfTomorrow", {"depth": 3}, ""),
        ("Bash", {"command": ["no", "text"]}, ""),
        ("Bash", {"command": "x" * 900}, "x" * 200),
    ],
)
def test_a_line_says_what_it_is_about(tool: str, given: dict[str, Any], title: str) -> None:
    assert claude_tool.title(tool, given) == title


def test_a_command_stands_alone_and_the_rest_below() -> None:
    given = {"command": "make all", "description": "Build", "timeout": 5000}

    assert claude_tool.words("Bash", given) == "```\nmake all\n```\nBuild\ntimeout: 5000"


def test_an_edit_is_a_diff_in_the_file_where_that_is_known() -> None:
    held = "".join(f"{number}\n" for number in range(1, 9)) + "b\nend\n"

    assert claude_tool.diff("Edit", EDIT, held) == (
        "--- /w/a.py\n+++ /w/a.py\n@@ -6,5 +6,6 @@\n 6\n 7\n 8\n-b\n+B\n+c\n end"
    )


@pytest.mark.parametrize("held", [None, "something else\n"])
def test_an_edit_is_a_diff_of_its_texts_where_the_file_does_not_have_them(held: str | None) -> None:
    assert claude_tool.diff("Edit", EDIT, held) == "--- /w/a.py\n+++ /w/a.py\n@@ -1,2 +1,3 @@\n-b\n+B\n+c\n "


def test_everywhere_is_everywhere() -> None:
    given = {**EDIT, "old_string": "x", "new_string": "y", "replace_all": True}

    assert claude_tool.diff("Edit", given, "x\nx\n").count("+y") == 2
    assert "replace_all: true" in claude_tool.words("Edit", given, "x\nx\n")


def test_a_new_file_comes_from_nowhere_and_one_that_is_there_from_itself() -> None:
    write = {"file_path": "/w/n", "content": "one\ntwo\n"}

    assert claude_tool.diff("Write", write) == "--- /dev/null\n+++ /w/n\n@@ -0,0 +1,2 @@\n+one\n+two"
    assert claude_tool.diff("Write", write, "one\n") == "--- /w/n\n+++ /w/n\n@@ -1,1 +1,2 @@\n one\n+two"
    assert claude_tool.words("Write", write).startswith("file_path: /w/n\n```\n--- /dev/null")


def test_several_edits_are_one_diff_of_the_file_or_one_after_the_other() -> None:
    edits = [{"old_string": "a", "new_string": "A"}, {"old_string": "A1", "new_string": "A2"}]
    given = {"file_path": "/w/m", "edits": edits}

    assert claude_tool.diff("MultiEdit", given, "a1\n") == "--- /w/m\n+++ /w/m\n@@ -1,1 +1,1 @@\n-a1\n+A2"
    apart = claude_tool.diff("MultiEdit", given)
    assert [line for line in apart.split("\n") if line[0] in "+-"] == ["--- /w/m", "+++ /w/m", "-a", "+A", "-A1", "+A2"]


def test_a_cell_is_shown_with_what_else_is_said_of_it() -> None:
    given = {"notebook_path": "/w/n.ipynb", "new_source": "x = 1", "edit_mode": "insert"}

    assert "+x = 1" in claude_tool.words("NotebookEdit", given)
    assert "edit_mode: insert" in claude_tool.words("NotebookEdit", given)


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("Edit", {"file_path": "/w/a", "old_string": "same", "new_string": "same"}),
        ("Edit", {"file_path": "/w/a", "old_string": 7, "new_string": "x"}),
        ("MultiEdit", {"file_path": "/w/a", "edits": [{"old_string": "a", "new_string": "b"}, "half"]}),
        ("Write", {"file_path": "/w/a", "content": ["lines"]}),
        ("Write", {"content": "x"}),
    ],
)
def test_what_a_diff_would_not_say_whole_is_shown_as_it_is(tool: str, given: dict[str, Any]) -> None:
    assert claude_tool.diff(tool, given) == ""
    assert all(name in claude_tool.words(tool, given) for name in given)


def test_a_change_of_white_space_at_the_end_is_seen() -> None:
    given = {"file_path": "/w/a", "old_string": "x\n", "new_string": "x"}

    assert claude_tool.diff("Edit", given) != ""


def test_a_file_whose_last_line_has_no_end_says_so() -> None:
    given = {"file_path": "/w/a", "content": "x"}

    assert claude_tool.diff("Write", given, "x\n").split("\n")[3:] == ["-x", "+x", "\\ No newline at end of file"]


def test_a_change_in_a_large_file_is_found_at_once_and_whole() -> None:
    held = "".join(f"{number % 7}\n" for number in range(100_000))
    given = {"file_path": "/w/a", "content": f"{held[:-2]}last\n"}

    changed = claude_tool.diff("Write", given, f"first\n{held}")

    assert changed.startswith("--- /w/a\n+++ /w/a\n@@ -1,100001 +1,100000 @@\n-first\n")
    assert changed.endswith("last")


def test_a_tool_of_a_server_says_whose_it_is_and_all_of_its_arguments() -> None:
    given = {"title": "Crash", "labels": ["bug", "ü"], "body": "one\ntwo"}

    assert claude_tool.words("mcp__github__create_issue", given) == (
        "create_issue, a tool of the MCP server github\n"
        'title: Crash\nlabels:\n```\n[\n  "bug",\n  "ü"\n]\n```\nbody:\n```\none\ntwo\n```'
    )


@pytest.mark.parametrize("text", ["plain ü 漢", "a\u202eb\u200bc", "tag \U000e0041", "line\nend\ttab", "\ud800"])
def test_the_whole_input_is_json_in_which_everything_is_seen(text: str) -> None:
    written = claude_tool.input_json({"command": text})

    assert json.loads(written) == {"command": text}
    assert written.isprintable()
