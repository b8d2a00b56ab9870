"""What a load leaves beside a conversation is taken away, and nothing that anybody said."""

import json
from pathlib import Path

import pytest

from agent.backends.acp.retention import MOST_BYTES, tidy
from agent.backends.acp.table import KNOWN

NAME = "04035ebd-f57c-4f66-8c0b-1d2f6c1d3f7a"
PATTERN = KNOWN["gemini"].leaves
CONTEXT = json.dumps({"$set": {"messages": [{"id": "d0", "type": "user", "content": [{"text": "the folder"}]}]}})
WORD = json.dumps({"id": "d9", "type": "user", "content": [{"text": "hello"}]}, separators=(",", ":"))


@pytest.fixture
def chats(data_dir: Path) -> Path:
    folder = data_dir / ".gemini" / "tmp" / "project" / "chats"
    folder.mkdir(parents=True)
    return folder


def write(chats: Path, minute: str, *lines: str, name: str = NAME) -> Path:
    file = chats / f"session-2026-11-29T{minute}-{name[:8]}.jsonl"
    file.write_text("\n".join([json.dumps({"sessionId": name, "kind": "main"}), CONTEXT, *lines]) + "\n")
    return file


def test_the_empty_one_goes_and_the_conversation_stays(data_dir: Path, chats: Path) -> None:
    whole, empty = write(chats, "20-22", WORD), write(chats, "20-23")
    tidy(data_dir, PATTERN, NAME)

    assert (whole.exists(), empty.exists()) == (True, False)


def test_what_is_alone_stays_whatever_it_holds(data_dir: Path, chats: Path) -> None:
    empty = write(chats, "20-22")
    tidy(data_dir, PATTERN, NAME)

    assert empty.exists()


def test_what_is_another_s_or_long_or_strange_stays(data_dir: Path, chats: Path) -> None:
    write(chats, "20-22", WORD)
    other = write(chats, "20-23", name=f"{NAME[:-1]}b")
    long = write(chats, "20-24", "x" * MOST_BYTES)
    strange = chats / f"session-2026-11-29T20-25-{NAME[:8]}.jsonl"
    strange.write_bytes(b"\xff{")
    tidy(data_dir, PATTERN, NAME)

    assert (other.exists(), long.exists(), strange.exists()) == (True, True, True)


@pytest.mark.parametrize("name", ["", "*", "../../..", "ses_dd750641bffeiG2ZVxx3GvAsuD"])
def test_a_name_that_is_none_of_theirs_is_left_alone(data_dir: Path, chats: Path, name: str) -> None:
    whole, empty = write(chats, "20-22", WORD), write(chats, "20-23")
    tidy(data_dir, PATTERN, name)

    assert (whole.exists(), empty.exists()) == (True, True)
