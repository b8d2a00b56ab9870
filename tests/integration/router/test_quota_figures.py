"""Figures tell how much of what they may have machines and keys have, where somebody asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb

from router.domain.quotas import MIB, Quotas
from tests.integration.router.harness import RouterUnderTest, config, fresh, serving
from tests.integration.router.permissions.asking import ask
from tests.rigs.thin_agent import session

QUOTAS = Quotas(sessions=4, messages=2, questions=4, machine_bytes=MIB, all_bytes=2 * MIB)


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir, quotas=QUOTAS)) as router:
        yield router


def told(router: RouterUnderTest) -> set[tuple[str, str, int, int]]:
    quotas = router.control.GetStats(pb.GetStatsRequest(with_quotas=True)).quotas
    return {(pb.Quota.Name(each.quota), each.who, each.used, each.limit) for each in quotas}


def test_of_each_quota_it_names_who_has_most_and_all_who_are_near(router: RouterUnderTest) -> None:
    with router.courier("test", "1") as courier:
        courier.connected()
    machine, key = router.machine("devbox"), router.control.ListApiKeys(pb.ListApiKeysRequest()).keys[0].key_id
    router.session(router.machine("idle"))
    with machine.connected(sessions=[session("s1"), session("s2")]) as link:
        for seq in (1, 2):
            note = link_pb.Notify(upstream_seq=seq, notification_id=fresh("n"), session_id="s1", text="done")
            link.frame(notify=note)
        ask(link, "s1", seq=3)
        machine.put_part("f", 0, b"x" * 8192)
    router.chat.PutPart(chat_pb.PutSubmitPartRequest(file_id="g", number=0, data=b"x" * (MIB // 2)))

    assert told(router) == {
        ("QUOTA_SESSIONS", "machine devbox", 2, 4),
        ("QUOTA_MESSAGES", "machine devbox", 2, 2),
        ("QUOTA_QUESTIONS", "machine devbox", 1, 4),
        ("QUOTA_FILES", f"key {key}", MIB // 2, MIB),
        ("QUOTA_ALL_FILES", "", MIB // 2 + 8192, 2 * MIB),
    }
    assert not router.control.GetStats(pb.GetStatsRequest()).quotas
