"""Commands with a file: fetched beside the link, typed in their turn."""

import asyncio
from pathlib import Path

from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.rigs.agent_rig import Rigs, eventually
from tests.rigs.scripted_link import Router, running_router, text_command


def file_command(command_id: str, sequence: int, name: str = "photo.jpg") -> pb.CommandFrame:
    frame = text_command(command_id, "s1", sequence=sequence)
    frame.action.file.CopyFrom(types.FileInput(file_id="f1", name=name, size=5, caption="look"))
    return frame


async def carried_out(rigs: Rigs, router: Router, *frames: pb.CommandFrame) -> tuple[list[pb.Result], list[str]]:
    async with rigs.running(router.address) as rig:
        await rig.session("s1")
        link = await router.welcomed()
        await link.commands(frames)
        results = await link.results(len(frames))
        return results, rig.backend.typed()


async def test_a_file_is_fetched_and_its_path_typed_in_its_turn(rigs: Rigs) -> None:
    async with running_router() as router:
        router.files["c2"] = [b"abc", b"de"]
        router.away = 1
        frames = [text_command("c1", "s1", sequence=1), file_command("c2", 2), text_command("c3", "s1", sequence=3)]
        results, typed = await carried_out(rigs, router, *frames)

    path = Path(typed[1].removeprefix("look "))
    content = await asyncio.to_thread(path.read_bytes)
    assert [result.outcome for result in results] == [pb.RESULT_OUTCOME_DONE] * 3
    assert len(typed) == 3
    assert (path.is_relative_to(rigs.data_dir / "agent" / "files"), content) == (True, b"abcde")


async def test_a_file_that_is_gone_fails_alone(rigs: Rigs) -> None:
    async with running_router() as router:
        results, typed = await carried_out(rigs, router, file_command("c1", 1), text_command("c2", "s1", sequence=2))

    assert [(one.outcome, one.reason) for one in results] == [
        (pb.RESULT_OUTCOME_FAILED, types.REASON_FILE_GONE),
        (pb.RESULT_OUTCOME_DONE, types.REASON_UNSPECIFIED),
    ]
    assert len(typed) == 1


async def test_a_name_that_leads_elsewhere_is_refused_unread(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        link = await router.welcomed()
        await link.commands([file_command("c1", 1, "../../.bashrc")])
        [receipt] = await link.receipts(1)

    assert (receipt.outcome, receipt.reason) == (pb.RECEIPT_OUTCOME_REFUSED, types.REASON_INVALID_ARGUMENT)


async def test_a_file_that_waits_survives_a_restart(rigs: Rigs) -> None:
    async with running_router() as router:
        router.away = 1_000
        async with rigs.running(router.address) as rig:
            await rig.session("s1")
            link = await router.welcomed()
            await link.commands([file_command("c1", 1)])
            await link.receipts(1)
            await eventually(lambda: router.away < 1_000)
        router.away, router.files["c1"] = 0, [b"abcde"]
        async with rigs.running(router.address) as rig:
            link = await router.welcomed()
            [result] = await link.results(1)

    assert result.outcome == pb.RESULT_OUTCOME_DONE
