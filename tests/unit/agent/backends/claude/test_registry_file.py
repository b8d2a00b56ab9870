"""Claude Code's registry: who is in front of a terminal, and what it does."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent import processes
from agent.backends.claude import slash_commands
from agent.backends.claude.registry_file import STARTING, ClaudeCode, Doing, Seen, in_front

LONG_AGO = 60.0  # seconds
Write = Callable[..., ClaudeCode]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the entry of this very process."""
    (tmp_path / "sessions").mkdir()

    def entry(age: float = LONG_AGO, **fields: object) -> ClaudeCode:
        pid = os.getpid()
        base = {"pid": pid, "procStart": processes.start_ticks(pid), "startedAt": (time.time() - age) * 1000}
        (tmp_path / "sessions" / f"{pid}.json").write_text(json.dumps(base | fields))
        return ClaudeCode(pid, tmp_path, tmp_path)

    return entry


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"status": "idle", "sessionId": "s"}, Seen(Doing.IDLE, "", "s")),
        ({"status": "busy"}, Seen(Doing.BUSY)),
        ({"status": "waiting", "waitingFor": "permission prompt"}, Seen(Doing.WAITING, "permission prompt")),
        ({"status": "a new word"}, Seen(Doing.UNKNOWN)),
        ({}, Seen(Doing.UNKNOWN)),
        ({"status": "idle", "pid": 1}, Seen(Doing.UNKNOWN)),
        ({"status": "idle", "procStart": "1"}, Seen(Doing.UNKNOWN)),
    ],
    ids=["idle", "busy", "waiting", "unheard of", "too old", "of another process", "of an earlier process"],
)
def test_an_entry_says_what_it_does(write: Write, fields: dict[str, object], seen: Seen) -> None:
    assert write(**fields).look() == seen


def test_one_that_has_just_started_takes_no_keys_yet(write: Write) -> None:
    assert write(age=STARTING / 3, status="idle").look() == Seen(Doing.UNKNOWN)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_file_that_is_half_written_says_nothing(write: Write, content: bytes) -> None:
    claude = write()
    claude.file.write_bytes(content)

    assert claude.look() == Seen(Doing.UNKNOWN)


def test_other_programs_are_none() -> None:
    assert in_front(os.getpid()) is None
    assert in_front(0) is None


def test_a_person_s_own_commands_are_found_by_name(tmp_path: Path) -> None:
    for file in ("config/commands/mine.md", "project/.claude/commands/db/reset.md", "config/skills/deploy/SKILL.md"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).touch()

    names = slash_commands.own(ClaudeCode(1, tmp_path / "config", tmp_path / "project"))

    assert names == {"mine", "db:reset", "deploy"}
