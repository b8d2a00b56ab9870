"""Files for people: ours once `notify` is answered, at the router before its notice, gone from here after it."""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import grpc
import pytest

from agent.domain.errors import RouterUnreachable
from agent.domain.frames import Item, Notify
from agent.services.uploads import MAX_FILE, PART
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.scripted_link import Refusal, Router, running_router

TWO_PARTS = b"a" * PART + b"end"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "re port.pdf"
    path.write_bytes(TWO_PARTS)
    return path


def kept(rigs: Rigs) -> list[Path]:
    return sorted((rigs.data_dir / "agent" / "outgoing").glob("*"))


async def notified(rig: Rig, *paths: object, text: str = "done", **fields: object) -> str:
    answer = await rig.ask(op="notify", session_id="s1", text=text, files=[str(path) for path in paths], **fields)
    assert answer["ok"], answer
    return str(answer["notification_id"])


async def told(router: Router, count: int = 1) -> list[str]:
    await eventually(lambda: len(router.notifications) >= count)
    return [one.notify.notification_id for one in router.notifications]


async def ready(rig: Rig, router: Router) -> None:
    """A session that the router knows: what goes before is acknowledged."""
    await rig.session("s1")
    link = await router.welcomed()
    await link.ack((await link.next("session_update")).upstream_seq)


async def test_a_file_is_whole_at_the_router_before_its_notice_and_gone_here_after(rigs: Rigs, report: Path) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await ready(rig, router)
        note = await notified(rig, report)
        ids = await told(router)
        await eventually(lambda: not kept(rigs))

    [file] = router.notifications[0].files
    assert (ids, file.name, file.size) == ([note], "re_port.pdf", len(TWO_PARTS))
    assert b"".join(router.parts[file.file_id]) == TWO_PARTS
    assert (router.notifications[0].notify.text, router.puts) == ("done", [(0, 0), (0, PART), (1, 3)])


async def test_without_words_the_files_names_are_the_text(rigs: Rigs, report: Path) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await ready(rig, router)
        await notified(rig, report, report, text="")
        await told(router)

    assert router.notifications[0].notify.text == "re_port.pdf, re_port.pdf"


async def test_what_was_taken_is_sent_though_the_file_changes_and_goes_and_the_agent_is_killed(
    rigs: Rigs, report: Path
) -> None:
    async with running_router() as router:
        router.away = 10_000
        async with rigs.child(router.address) as child:
            await child.ask(op="register", session_id="s1", backend="command", target={"command": "cat"})
            link = await router.welcomed()
            await link.ack((await link.next("session_update")).upstream_seq)
            note = await child.ask(op="notify", session_id="s1", text="done", files=[str(report)])
            await child.kill()
        await asyncio.to_thread(report.write_bytes, b"something else")
        await asyncio.to_thread(report.unlink)
        router.away = 0
        async with rigs.running(router.address):
            await router.welcomed(upstream_acked_seq=1)
            ids = await told(router)

    assert ids == [note["notification_id"]]
    assert b"".join(router.parts[router.notifications[0].files[0].file_id]) == TWO_PARTS


async def test_an_upload_that_was_cut_goes_on_where_it_was(rigs: Rigs, report: Path) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await ready(rig, router)
        router.away = 1
        await notified(rig, report)
        await told(router)
        first = list(router.puts)
        router.puts.clear()
        router.notice_refusals.append(Refusal(grpc.StatusCode.NOT_FOUND, reason="FILE_GONE"))
        await notified(rig, report)
        await told(router, 2)

    assert first == [(0, 0), (0, 0), (0, PART), (1, 3)]
    assert router.puts == [(0, 0), (0, PART), (1, 3), (0, 0)]


async def test_what_a_session_says_meanwhile_waits_and_others_do_not(rigs: Rigs, report: Path) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        await rig.session("s2")
        link = await router.welcomed()
        [await link.next("session_update") for _ in range(2)]
        file = await notified(rig, report)
        behind = await notified(rig, text="behind")
        other = (await rig.ask(op="notify", session_id="s2", text="other"))["notification_id"]
        passed = await link.next("notify")
        held = await rig.agent.outbox.held()
        await link.ack(2)
        after = await link.next("notify")

    assert held
    assert (held.notification.notification_id, held.is_next) == (
        file,
        False,
    )  # what was in the outbox is not acknowledged
    assert (passed.notification_id, after.notification_id) == (other, behind)
    assert [one.notify.notification_id for one in router.notifications] == [file]


@pytest.mark.parametrize("code", [grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INVALID_ARGUMENT])
async def test_files_that_the_router_refuses_are_told(rigs: Rigs, report: Path, code: grpc.StatusCode) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        link = await router.welcomed()
        await link.ack((await link.next("session_update")).upstream_seq)
        router.notice_refusals.append(Refusal(code, "not here"))
        note = await notified(rig, report)
        plain = await link.next("notify")
        await eventually(lambda: not kept(rigs))

    assert (plain.notification_id, plain.text) == (note, "📎 re_port.pdf: not sent. not here\n\ndone")


async def test_a_copy_that_is_damaged_is_told(rigs: Rigs, report: Path) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        await notified(rig, report)
        kept(rigs)[0].write_bytes(b"half")
        link = await router.welcomed()
        await link.ack((await link.next("session_update")).upstream_seq)
        plain = await link.next("notify")

    assert "re_port.pdf: not sent. Its copy on the machine is damaged" in plain.text


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def empty(folder: Path) -> Path:
    (folder / "empty").touch()
    return folder / "empty"


def large(folder: Path) -> Path:
    with (folder / "large").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    return folder / "large"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (pipe, "is no plain file"),
        (empty, "is empty"),
        (large, "more than the 50 MB"),
        (lambda folder: folder, "cannot be read: Is a directory"),
        (lambda folder: folder / "gone", "cannot be read: No such file"),
        (lambda folder: folder / "gone\0", "cannot be read: embedded null"),
        (lambda _: Path("relative"), "is no absolute path"),
    ],
    ids=["pipe", "empty", "large", "folder", "missing", "impossible", "relative"],
)
async def test_what_cannot_be_sent_is_said_and_nothing_is_kept(
    rigs: Rigs, report: Path, make: Callable[[Path], Path], words: str
) -> None:
    async with rigs.running("127.0.0.1:1") as rig:
        await rig.session("s1")
        path = make(report.parent)
        answer = await rig.ask(op="notify", session_id="s1", text="x", files=[str(report), str(path)])
        depth = (await rig.ask(op="status"))["outbox_depth"]

    assert (answer["ok"], kept(rigs), depth) == (False, [], 1)
    assert words in str(answer["error"])


async def test_more_files_than_fit_and_what_is_no_list_are_refused(rigs: Rigs, report: Path) -> None:
    async with rigs.running("127.0.0.1:1") as rig:
        await rig.session("s1")
        many = await rig.ask(op="notify", session_id="s1", files=[str(report)] * 11)
        odd = await rig.ask(op="notify", session_id="s1", files="report.pdf")

    assert (many["reason"], odd["reason"], kept(rigs)) == ("TOO_LARGE", "INVALID_ARGUMENT", [])


async def test_a_full_disk_keeps_no_copy(rigs: Rigs, report: Path) -> None:
    async with rigs.running("127.0.0.1:1") as rig:
        await rig.session("s1")
        await rig.fill_disk()
        answer = await rig.ask(op="notify", session_id="s1", text="x" * 60_000, files=[str(report)])
        await rig.free_disk()

    assert (answer["ok"], answer["reason"], kept(rigs)) == (False, "STORAGE_UNAVAILABLE", [])


async def test_what_is_stored_after_nobody_waits_for_it_any_more_is_sent_whole(
    rigs: Rigs, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await ready(rig, router)
        go_on, handed_in, append = threading.Event(), asyncio.Event(), rig.agent.outbox.append_all

        def noted(items: Sequence[Item]) -> "asyncio.Future[list[int]]":
            handed_in.set()
            return append(items)

        monkeypatch.setattr(rig.agent.outbox, "append_all", noted)
        busy = rig.agent.database.write(lambda _: go_on.wait(10))
        notifying = asyncio.create_task(rig.agent.uploads.notify(Notify("n1", "s1", "done"), [str(report)]))
        await handed_in.wait()
        notifying.cancel()
        await asyncio.gather(notifying, return_exceptions=True)
        go_on.set()
        await busy
        ids = await told(router)

    [file] = router.notifications[0].files
    assert (notifying.cancelled(), ids, b"".join(router.parts[file.file_id])) == (True, ["n1"], TWO_PARTS)


async def test_copies_that_a_crash_left_are_removed(rigs: Rigs, report: Path) -> None:
    outgoing = rigs.data_dir / "agent" / "outgoing"
    outgoing.mkdir(parents=True)
    (outgoing / "half.new").write_bytes(b"half")
    (outgoing / "whole").write_bytes(b"whole")
    async with rigs.running("127.0.0.1:1") as rig:
        await rig.session("s1")
        await notified(rig, report)
    async with rigs.running("127.0.0.1:1"):
        await eventually(lambda: len(kept(rigs)) == 1)

    assert await asyncio.to_thread(kept(rigs)[0].read_bytes) == TWO_PARTS


async def test_a_part_on_its_way_when_the_channel_is_given_up_is_one_to_try_again(rigs: Rigs) -> None:
    async with running_router() as router:
        router.thinking = asyncio.Event()
        async with rigs.running(router.address) as rig:
            await router.welcomed()
            await eventually(lambda: rig.agent.client.status.connected)
            putting = asyncio.create_task(rig.agent.client.put("f1", 0, b"x"))
            await router.thinking.wait()
        await asyncio.wait([putting])

    assert isinstance(putting.exception(), RouterUnreachable)
