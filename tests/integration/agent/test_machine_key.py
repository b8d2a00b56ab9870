"""What the agent does about its key at a router that knows of no change."""

import asyncio

from tests.rigs.agent_rig import Rigs, eventually
from tests.rigs.scripted_link import duration, running_router


async def test_an_older_router_leaves_it_the_key_that_it_has(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        first = await router.welcomed()
        await eventually(lambda: rig.agent.client.status.connected)
        asking = asyncio.create_task(rig.ask(op="rotate_key"))
        goodbye = await first.next("goodbye")
        first.drop()
        second = await router.welcomed()

        answer = await asking
        assert goodbye.will_return
        assert not answer["ok"]
        assert "UNIMPLEMENTED" in answer["error"]
        assert not second.gone.is_set()


async def test_a_change_that_failed_is_not_begun_anew_at_each_welcome(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address):
        first = await router.welcomed(key_wanted=True)
        await first.next("goodbye")
        first.drop()
        second = await router.welcomed(key_wanted=True, heartbeat_interval=duration(0.1))

        for _ in range(3):
            await second.next("heartbeat")
        assert second.came("goodbye") == 0
