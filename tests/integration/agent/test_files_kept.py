"""A file is on this disk, whole, before its path is typed."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from agent.domain.command import FileInput, Input, Reason
from agent.domain.errors import Refusal, RouterUnreachable
from agent.services.files import KEPT, Files


class Parts:
    """The router's side: these parts, and who asked."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = parts
        self.asked: list[tuple[str, int]] = []

    async def fetch(self, command_id: str, number: int) -> bytes:
        self.asked.append((command_id, number))
        return b"".join(self._parts[number : number + 1])


def path_in(typed: Input) -> Path:
    return Path(typed.text.split()[-1])


def modes(*paths: Path) -> list[str]:
    return [oct(path.stat().st_mode & 0o777) for path in paths]


async def test_a_file_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    parts = Parts(b"abc", b"de")

    typed = await Files(tmp_path / "files", parts.fetch).typed("c1", FileInput("f1", "photo.jpg", 5))

    path = path_in(typed)
    content = await asyncio.to_thread(path.read_bytes)
    assert (typed.text, typed.submit, path.name, content) == (str(path), True, "photo.jpg", b"abcde")
    assert modes(path, path.parent, path.parents[1]) == ["0o600", "0o700", "0o700"]
    assert parts.asked == [("c1", 0), ("c1", 1)]


@pytest.mark.parametrize(("caption", "between"), [("look", " "), ("look\nhere", "\n")], ids=["line", "lines"])
async def test_the_caption_stands_before_the_path(tmp_path: Path, caption: str, between: str) -> None:
    typed = await Files(tmp_path, Parts(b"abcde").fetch).typed("c1", FileInput("f1", "a.txt", 5, caption))

    assert typed.text == f"{caption}{between}{path_in(typed)}"


async def test_what_is_here_is_not_fetched_again_and_commands_share_nothing(tmp_path: Path) -> None:
    parts = Parts(b"abcde")
    files, photo = Files(tmp_path, parts.fetch), FileInput("f1", "photo.jpg", 5)

    first, again, other = [await files.typed(command_id, photo) for command_id in ("c1", "c1", "../c2")]

    assert (first, first == other) == (again, False)
    assert path_in(other).is_relative_to(tmp_path)
    assert parts.asked == [("c1", 0), ("../c2", 0)]


async def test_half_a_file_is_none(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="of 5 bytes 3 are left") as refused:
        await Files(tmp_path, Parts(b"abc").fetch).typed("c1", FileInput("f1", "photo.jpg", 5))

    assert (refused.value.reason, os.listdir(tmp_path)) == (Reason.FILE_GONE, [])  # noqa: PTH208


async def test_an_empty_file_needs_no_parts(tmp_path: Path) -> None:
    typed = await Files(tmp_path, Parts().fetch).typed("c1", FileInput("f1", "empty", 0))

    assert path_in(typed).stat().st_size == 0


async def test_a_folder_that_takes_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("in the way")

    with pytest.raises(Refusal, match="the file cannot be kept"):
        await Files(tmp_path / "files", Parts(b"abcde").fetch).typed("c1", FileInput("f1", "photo.jpg", 5))


async def test_what_is_a_month_old_makes_room(tmp_path: Path) -> None:
    files = Files(tmp_path, Parts(b"abcde").fetch)
    old = path_in(await files.typed("c1", FileInput("f1", "old.jpg", 5)))
    os.utime(old.parent, (time.time() - KEPT - 60,) * 2)

    young = path_in(await files.typed("c2", FileInput("f2", "young.jpg", 5)))

    assert (old.exists(), young.exists()) == (False, True)


async def test_a_router_that_is_away_leaves_no_trace(tmp_path: Path) -> None:
    async def nobody(_command_id: str, _number: int) -> bytes:
        raise RouterUnreachable("away")

    with pytest.raises(RouterUnreachable):
        await Files(tmp_path, nobody).typed("c1", FileInput("f1", "photo.jpg", 5))

    assert os.listdir(tmp_path) == []  # noqa: PTH208
