"""A crowd on the router's own cores looks at proofs later: what proves nothing is noticed all the same."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from agent.link.router_proof import NotProven
from router import key_file
from tests.bench import bare
from tests.bench.enrolled import Router
from tests.bench.thin_crowd import BARE, machines
from tests.rigs.thin_machine import Behaviour, ThinMachine, here
from tests.waiting import PATIENCE


async def there(machine: ThinMachine) -> None:
    """As long as it is needed, unless the machine gives up."""
    staying = asyncio.create_task(machine.stay())
    try:
        while not here([machine]) and not staying.done():
            await asyncio.sleep(0)
        if staying.done():
            await staying
        machine.check_proofs()
    finally:
        staying.cancel()
        with suppress(asyncio.CancelledError, NotProven):
            await staying


def come(folder: Path, capsys: pytest.CaptureFixture[str], behaviour: Behaviour) -> ThinMachine:
    """One that has come to a server whose proof is none."""

    async def run() -> ThinMachine:
        serving, line = asyncio.create_task(bare.serve(folder, "127.0.0.1:0")), ""
        while not line:
            await asyncio.sleep(0)
            line = capsys.readouterr().out
        [machine] = machines(
            line.split()[-1], range(1), Router(BARE, key_file.load(folder, BARE).fingerprint), behaviour
        )
        try:
            await there(machine)
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
        return machine

    return asyncio.run(asyncio.wait_for(run(), PATIENCE))


@pytest.mark.parametrize("spares", [False, True])
def test_what_proves_nothing_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str], spares: bool) -> None:
    with pytest.raises(NotProven):
        come(tmp_path, capsys, Behaviour(spares=spares))


@pytest.mark.parametrize("spares", [False, True])
def test_one_that_trusts_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str], spares: bool) -> None:
    assert here([come(tmp_path, capsys, Behaviour(trusting=True, spares=spares))]) == 1
