"""Whoever is soon refused for what they have at the router is told of before."""

import json

import grpc
from agentlink.v1 import control_pb2 as pb

from tests.integration.pointsman.conftest import Run
from tests.rigs.scripted_control import FakeControl

MIB = 1024 * 1024


def told(run: Run) -> list[tuple[str, str, str]]:
    done = run("doctor", "--json", POINTSMAN_HTTP_LISTEN="127.0.0.1:9")
    found = [each for each in json.loads(done.stdout) if each["check"] == "quotas"]
    return [(each["level"], each["found"], each["cure"]) for each in found]


def test_who_is_near_a_quota_is_warned_of(run: Run, control: FakeControl) -> None:
    control.quotas = [
        pb.QuotaUse(quota=pb.QUOTA_MESSAGES, who="machine devbox", used=2000, limit=2000),
        pb.QuotaUse(quota=pb.QUOTA_FILES, who="key key_1", used=200 * MIB, limit=250 * MIB),
        pb.QuotaUse(quota=pb.QUOTA_SESSIONS, who="machine devbox", used=799, limit=1000),
    ]

    messages, files = told(run)

    assert messages[:2] == ("WARN", "machine devbox: 2000 of 2000 messages wait for people")
    assert "POINTSMAN_MACHINE_MESSAGES" in messages[2]
    assert files[:2] == ("WARN", "key key_1: 200 of 250 MiB of files that no message names")


def test_where_nobody_is_it_says_who_has_most(run: Run, control: FakeControl) -> None:
    control.quotas = [pb.QuotaUse(quota=pb.QUOTA_SESSIONS, who="machine devbox", used=3, limit=1000)]

    assert told(run) == [("OK", "nobody is near one; the most: machine devbox: 3 of 1000 sessions that live", "")]


def test_an_older_router_that_tells_none_is_well(run: Run) -> None:
    assert told(run) == [("OK", "nobody is near one", "")]


def test_a_router_that_does_not_answer_is_the_routers_finding(run: Run, control: FakeControl) -> None:
    control.failures["GetStats"] = (grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE", "no")

    assert told(run) == []
