"""Enrolment: a token for an identity, kept so that a lost answer can be asked for again."""

import asyncio
import json
import stat
from pathlib import Path

import pytest

from agent.domain.errors import EnrolRefused, NotEnrolled, RouterUnreachable
from agent.link import identity
from agent.link.channel import Endpoint
from agent.link.enrol import enrol
from tests.rigs.scripted_link import running_router


async def test_enrolment_writes_an_identity_that_the_agent_can_use(data_dir: Path) -> None:
    async with running_router() as router:
        name = await asyncio.to_thread(enrol, Endpoint(router.address), "good-token", "devbox", data_dir)

    found = identity.load(data_dir / "agent")
    facts = json.loads((data_dir / "agent" / "machine.json").read_text())
    assert (name, found.machine_id, found.router) == ("devbox", "devbox", router.address)
    where = {"router_id": "router-1", "router": router.address, "router_fingerprint": ""}
    assert facts == {"machine_id": "devbox", **where}
    assert router.join_tokens["good-token"] == identity.public_bytes(found.key)


async def test_the_key_is_for_this_user_alone(data_dir: Path) -> None:
    async with running_router() as router:
        await asyncio.to_thread(enrol, Endpoint(router.address), "good-token", "devbox", data_dir)

    folder = data_dir / "agent"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "machine.key", folder / "machine.json")]
    assert modes == [0o700, 0o600, 0o600]


async def test_the_same_token_may_be_used_again_by_the_same_machine(data_dir: Path) -> None:
    async with running_router() as router:
        first = await asyncio.to_thread(enrol, Endpoint(router.address), "good-token", "devbox", data_dir)
        second = await asyncio.to_thread(enrol, Endpoint(router.address), "good-token", "devbox", data_dir)

    assert first == second


async def test_a_refused_token_leaves_no_identity_and_says_what_the_router_said(data_dir: Path) -> None:
    async with running_router() as router:
        with pytest.raises(EnrolRefused, match="not good any more"):
            await asyncio.to_thread(enrol, Endpoint(router.address), "burnt-token", "devbox", data_dir)

    with pytest.raises(NotEnrolled):
        identity.load(data_dir / "agent")


async def test_a_router_that_does_not_answer_is_named(data_dir: Path) -> None:
    async with running_router() as router:
        address = router.address
    with pytest.raises(RouterUnreachable, match=address):
        await asyncio.to_thread(enrol, Endpoint(address), "good-token", "devbox", data_dir)
