"""kill -9 under traffic, the short form: every labelled point once, and moments chosen by a seed."""

import random
from collections.abc import Iterator

import pytest

from tests.faults import kills
from tests.faults.chat import Chat
from tests.faults.points import AGENT_POINTS, ROUTER_POINTS
from tests.faults.victims import AgentVictim, RouterVictim
from tests.faults.world import World, world

pytestmark = pytest.mark.faults
SEED = 1


@pytest.fixture(scope="module")
def fired_upon() -> Iterator[World]:
    with world(machines=2) as one:
        yield one


def test_an_agent_killed_at_any_point_loses_nothing_and_types_nothing_twice(fired_upon: World) -> None:
    victims = [AgentVictim(fired_upon, machine) for machine in fired_upon.machines]
    deaths = kills.mixed(random.Random(SEED), [kills.RANDOM, *AGENT_POINTS], 1)

    row = kills.under_traffic(fired_upon, "agent", victims, deaths)

    assert row.problems == []
    assert row.injected == len(deaths)


def test_a_router_killed_at_any_point_loses_nothing_and_sends_nothing_twice(fired_upon: World) -> None:
    deaths = kills.mixed(random.Random(SEED), [kills.RANDOM, *ROUTER_POINTS], 1)

    row = kills.under_traffic(fired_upon, "router", [RouterVictim(fired_upon)], deaths)

    assert row.problems == []
    assert row.injected == len(deaths)


def test_routers_and_agents_killed_at_the_same_time_keep_every_promise(fired_upon: World) -> None:
    agents = [AgentVictim(fired_upon, machine) for machine in fired_upon.machines]
    deaths = kills.schedule(random.Random(SEED), kills.RANDOM, 12)

    row = kills.under_traffic(fired_upon, "both", [*agents, RouterVictim(fired_upon)], deaths)

    assert row.problems == []


def test_the_adapters_programs_killed_while_people_write_and_read_lose_nothing(fired_upon: World) -> None:
    with Chat(fired_upon, SEED) as chat:
        notices = chat.kill_courier(kills.schedule(random.Random(SEED), kills.RANDOM, 3))
        replies = chat.kill_http(kills.schedule(random.Random(SEED), kills.RANDOM, 3))

    assert replies.problems == []
    assert notices.problems == []
