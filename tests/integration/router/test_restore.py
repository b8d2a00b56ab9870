"""A router put back from a backup: what happened since then is unknown to it, and it knows that it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.thin_agent import ThinAgent, ids

DONE, UNCERTAIN = types.COMMAND_STATE_DONE, types.COMMAND_STATE_UNCERTAIN


def copied(router: RouterUnderTest, folder: Path) -> None:
    """A backup of the running router, where another one will look for its database."""
    folder.mkdir()
    router.control.Backup(pb.BackupRequest(path=str(folder / "router.db")))


def same_machine(router: RouterUnderTest, agent: ThinAgent) -> ThinAgent:
    """The machine as it is now, at the address of the restored router."""
    again = router.stranger(agent.machine_id)
    again.key, again.last_epoch = agent.key, agent.last_epoch
    again.inbox_id, again.outbox_id, again.instance_id = agent.inbox_id, agent.outbox_id, agent.instance_id
    return again


@pytest.fixture
def history(router: RouterUnderTest, agent: ThinAgent, session: str, tmp_path: Path) -> str:
    """A command that was queued when the backup was made, and typed after it."""
    with agent.connected():
        pass
    queued = router.send(session, "queued then, typed since").command_id
    copied(router, tmp_path / "restored")
    with agent.connected() as link:
        link.commands(1)
        link.receipt(queued)
        link.result(1, queued)
        link.acked(1)
    return queued


@pytest.fixture
def restored(history: str, router: RouterUnderTest, tmp_path: Path) -> Iterator[RouterUnderTest]:
    assert router.command(history).state == DONE
    with serving(config(tmp_path / "restored")) as restored:
        yield restored


def test_what_may_have_been_typed_since_the_backup_is_not_typed_again(
    restored: RouterUnderTest, agent: ThinAgent, session: str, history: str
) -> None:
    with same_machine(restored, agent).connected() as link:
        fresh = restored.send(session, "new")
        frames = link.commands(1)
        doubtful = restored.command(history)

    assert ids(frames) == [fresh.command_id]
    assert (doubtful.state, doubtful.reason) == (UNCERTAIN, types.REASON_ROUTER_RESTORED)


def test_a_clock_behind_that_of_the_backup_makes_nothing_new(
    router: RouterUnderTest, agent: ThinAgent, history: str, tmp_path: Path
) -> None:
    assert router.command(history).state == DONE
    with serving(config(tmp_path / "restored"), wall_step=-25 * 3600.0) as restored:
        with same_machine(restored, agent).connected() as link:
            link.heard()
            waiting = link.waiting()

        assert (waiting, restored.command(history).state) == (0, UNCERTAIN)


def test_what_the_backup_does_not_know_is_not_recalled_from_a_machine(
    restored: RouterUnderTest, agent: ThinAgent, history: str
) -> None:
    waits = link_pb.INBOX_STATE_RECEIVED
    held = [link_pb.UnresolvedCommand(command_id=one, inbox_state=waits) for one in (history, "accepted since")]

    with same_machine(restored, agent).connected(unresolved=held) as link:
        assert (list(link.terms.recalled), link.terms.inbox_outdated) == ([history], False)


def test_what_was_accepted_after_the_restore_is_delivered(
    restored: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    accepted = restored.send(session, "before the machine was back")

    with same_machine(restored, agent).connected() as link:
        assert ids(link.commands(1)) == [accepted.command_id]


def test_a_machine_that_has_seen_no_more_than_the_backup_loses_nothing(
    router: RouterUnderTest, agent: ThinAgent, session: str, tmp_path: Path
) -> None:
    with agent.connected():
        pass
    queued = router.send(session)
    copied(router, tmp_path / "restored")

    with serving(config(tmp_path / "restored")) as restored, same_machine(restored, agent).connected() as link:
        assert ids(link.commands(1)) == [queued.command_id]


def test_what_a_machine_has_ended_and_does_not_name_any_more_is_uncertain_at_once(
    router: RouterUnderTest, agent: ThinAgent, session: str, tmp_path: Path
) -> None:
    with agent.connected() as link:
        queued = router.send(session).command_id
        copied(router, tmp_path / "restored")  # on the same link: no epoch gives it away
        link.commands(1)
        link.receipt(queued)
        link.result(1, queued)
        link.acked(1)

    with serving(config(tmp_path / "restored")) as restored, same_machine(restored, agent).connected() as link:
        link.commands(1)
        link.receipt(queued, outcome=link_pb.RECEIPT_OUTCOME_DUPLICATE, inbox_state=link_pb.INBOX_STATE_FINISHED)
        ended = restored.command(queued, wait=5)

    assert (ended.state, ended.reason) == (UNCERTAIN, types.REASON_ROUTER_RESTORED)
