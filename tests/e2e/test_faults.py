"""What was accepted survives: programs stopped, killed and away."""

import itertools
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.e2e.system import CHAT, Pane, System, message, running
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.faults]
SESSIONS, EACH, PER_KILL = 4, 50, 10
PROGRAMS = ("agent", "router", "adapter-http", "courier")
_numbers = itertools.count(70_000)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("faults")) as one:
        yield one


def reply(system: System, pane: Pane, text: str) -> dict[str, object]:
    """An update that answers a fresh notification of the session."""
    return message(next(_numbers), text, reply_to=notify(system, pane))


def notify(system: System, pane: Pane) -> int:
    body = {"sessionId": pane.session_id, "chatId": CHAT, "text": "Go on?"}
    return int(system.rest("POST", "/notifications/send", body).json()["messageId"])


def test_replies_wait_for_an_agent_that_is_away_and_the_chat_says_so(system: System) -> None:
    pane = system.pane("away")
    about = notify(system, pane)
    agent = system.programs("agent")[0]
    agent.send_signal(signal.SIGSTOP)
    system.cli("machines", "--json")
    agent.send_signal(signal.SIGKILL)
    supervised = wait_until(lambda: [p for p in system.programs("agent") if p.pid != agent.pid])[0]
    supervised.send_signal(signal.SIGSTOP)  # it starts, and does not get to connect
    system.wait_for_machine("devbox", connected=False)

    system.replies([message(next(_numbers), f"waiting {n}", reply_to=about) for n in range(3)])
    said = wait_until(lambda: [m.text for m in system.telegram.bot_messages(CHAT) if "is away" in m.text])
    supervised.send_signal(signal.SIGCONT)

    assert "It waits up to 24 h" in said[0]
    assert pane.wait_for(3, 60) == ["waiting 0", "waiting 1", "waiting 2"]


def test_without_a_router_telegram_is_asked_to_come_again_and_nothing_is_lost(system: System) -> None:
    pane = system.pane("again")
    update = reply(system, pane, "through the storm")
    router = system.programs("router")[0]
    router.send_signal(signal.SIGSTOP)
    answer = system.webhook(update)
    router.send_signal(signal.SIGCONT)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    system.replies([update])
    assert pane.wait_for(1, 60) == ["through the storm"]


def test_two_hundred_replies_survive_kills_of_every_program(system: System) -> None:
    panes = [system.pane(f"pane{n}") for n in range(SESSIONS)]
    abouts = [notify(system, pane) for pane in panes]
    orders = [[f"{n} {k}" for k in range(EACH)] for n in range(SESSIONS)]
    updates = [
        [message(next(_numbers), text, reply_to=about) for text in texts]
        for about, texts in zip(abouts, orders, strict=True)
    ]

    with ThreadPoolExecutor(SESSIONS) as pool:
        for name, start in zip(itertools.cycle(PROGRAMS), range(0, EACH, PER_KILL), strict=False):
            posting = [pool.submit(system.replies, some[start : start + PER_KILL]) for some in updates]
            system.kill(name)
            for posted in posting:
                posted.result()
    wait_until(lambda: not live(system), 120)

    uncertain = {c["text"] for c in system.cli("commands", "--state", "uncertain", "--json")}
    for pane, texts in zip(panes, orders, strict=True):
        typed = pane.typed()
        assert len(typed) == len(set(typed)), "typed twice"
        assert typed == [text for text in texts if text in set(typed)], "out of order"
        assert set(texts) - set(typed) <= uncertain, "lost"


def live(system: System) -> list[object]:
    try:
        states = ("queued", "sent", "received")
        return [c for state in states for c in system.rest("GET", f"/commands?state={state}").json()]
    except (requests.RequestException, ValueError):
        return ["not reachable"]


def test_everything_stops_cleanly(system: System) -> None:
    children = [p for name in PROGRAMS for p in system.programs(name)]

    assert len(children) >= 4
    assert system.stop() == 0
    assert [p for p in children if p.is_running()] == []
