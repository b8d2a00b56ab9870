"""What a link that is idle holds: of machines there may be thousands."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.waiting import wait_until

LINKS = 5
OF_GRPC = 2  # tasks: one watches whether the caller hangs up


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


def tasks() -> int:
    """Of the router: nobody else in this process has any."""
    return sum(isinstance(one, asyncio.Task) and not one.done() for one in gc.get_objects())


def test_an_idle_link_holds_one_task_beside_grpcs(router: RouterUnderTest) -> None:
    machines = [router.machine(f"idle-{number}") for number in range(LINKS)]
    before = tasks()

    with ExitStack() as links:
        for machine in machines:
            links.enter_context(machine.connected()).heard()

        wait_until(lambda: tasks() <= before + OF_GRPC * LINKS)
