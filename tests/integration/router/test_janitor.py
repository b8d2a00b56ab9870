"""The janitor over the wire: by the words of people and platforms, by its machine's word, and by moved time."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_agent import session as update
from tests.waiting import wait_until

DAY = 24 * 3600.0
PULL, OWN = "github:acme/api#12", "acme/api@main"
CLEAN = {"path": "/ws/tree", "head": "c0ffee"}
FAILED = {
    "outcome": link_pb.RESULT_OUTCOME_FAILED, "reason": types.REASON_WORKSPACE_FAILED, "detail": "Not removed: changed",
}  # fmt: skip


class Machine:
    """A thin agent with a workspace that nobody is in any more."""

    def __init__(self, router: RouterUnderTest, agent: ThinAgent, open_links: ExitStack, key: str) -> None:
        self.router, self.agent, self.key, self.seq = router, agent, key, 0
        self._links = open_links
        self.link = link = self._linked()
        place = types.Workspace(key=key, repository="https://github.com/acme/api", ref="refs/heads/feature")
        router.control.StartSession(pb.StartSessionRequest(prompt="go", workspace=place))
        [frame] = link.commands(1)
        self.session_id = frame.session_id
        link.receipt(frame.command_id)
        self.tell("IN_USE")
        link.frame(session_update=update(frame.session_id, upstream_seq=self.seq + 1, backend="headless"))
        self.seq += 1
        link.result(self.seq, frame.command_id)
        link.acked(self.seq)

    def later(self, days: float) -> None:
        """So much later; its link, which would have been silent for so long, is another."""
        self.link.goodbye()
        self.router.time.skipped += days * DAY
        self.link = self._linked()

    def leaves(self, **figures: Any) -> None:
        self.seq += 1
        self.link.frame(
            session_closed=link_pb.SessionClosed(upstream_seq=self.seq, session_id=self.session_id, generation=1)
        )
        self.tell("READY", **(CLEAN | figures))

    def tell(self, state: str, **figures: Any) -> None:
        self.seq += 1
        number = types.WorkspaceState.Value(f"WORKSPACE_STATE_{state}")
        self.link.frame(
            workspace_update=link_pb.WorkspaceUpdate(upstream_seq=self.seq, key=self.key, state=number, **figures)
        )
        self.link.acked(self.seq)

    def closes(self) -> tuple[str, bool]:
        """The next close that it is sent, and whether that is to keep an archive."""
        [frame] = self.link.commands(1)
        self.link.receipt(frame.command_id)
        asked = frame.action.close_workspace
        assert asked.key == self.key
        return frame.command_id, asked.archive

    def done(self, command_id: str, **result: Any) -> None:
        self.seq += 1
        self.link.result(self.seq, command_id, **result)
        self.link.acked(self.seq)

    def sweep(self, *, dry_run: bool = False) -> tuple[str, str]:
        """What the janitor does, and why."""
        [decision] = self.router.control.SweepWorkspaces(pb.SweepWorkspacesRequest(dry_run=dry_run)).decisions
        return pb.WorkspaceDeed.Name(decision.deed).removeprefix("WORKSPACE_DEED_"), decision.why

    def over(self, *, over: bool = True) -> types.KnownWorkspace:
        return self.router.control.SayWorkspaceOver(pb.SayWorkspaceOverRequest(key=self.key, over=over)).workspace

    def state(self) -> str:
        [known] = self.router.control.ListWorkspaces(pb.ListWorkspacesRequest(include_gone=True)).workspaces
        return types.WorkspaceState.Name(known.state).removeprefix("WORKSPACE_STATE_")

    def _linked(self) -> ThinLink:
        return self._links.enter_context(self.agent.connected(capabilities=["start", "workspaces"]))


Made = Callable[[str], Machine]


@pytest.fixture
def machine_of(router: RouterUnderTest, agent: ThinAgent) -> Iterator[Made]:
    """The machine, with a workspace of this key."""
    with ExitStack() as open_links:
        yield lambda key: Machine(router, agent, open_links, key)


def test_what_is_over_clean_and_pushed_is_removed_after_a_week(router: RouterUnderTest, machine_of: Made) -> None:
    machine = machine_of(OWN)
    assert machine.sweep() == ("KEEP", "what it is for is not over")
    machine.over()
    assert machine.sweep() == ("KEEP", "its 7 days of grace are not over")
    machine.later(8)
    assert machine.sweep() == ("KEEP", "a session is in it")
    machine.leaves()

    assert machine.sweep(dry_run=True)[0] == "REMOVE"
    assert not machine.link.waiting()
    assert machine.sweep()[0] == "REMOVE"

    command_id, archive = machine.closes()
    assert not archive
    assert machine.sweep() == ("KEEP", "it is being closed")
    machine.tell("GONE")
    machine.done(command_id, detail="removed")
    assert machine.state() == "GONE"
    steps = [step.event for step in router.control.Trace(pb.TraceRequest(id=OWN)).steps]
    assert steps[-3:] == ["WorkspaceDecided", "WorkspaceDecided", "WorkspaceTold"]


def test_what_its_machine_does_not_find_clean_is_archived_and_goes_a_month_later(
    machine_of: Made,
) -> None:
    machine = machine_of(OWN)
    machine.leaves()
    machine.over()
    machine.later(8)
    machine.sweep()
    command_id, archive = machine.closes()
    assert not archive

    machine.tell("READY", **(CLEAN | {"dirty": True}))  # somebody was in it by hand
    machine.done(command_id, **FAILED)

    assert machine.sweep()[0] == "ARCHIVE"
    command_id, archive = machine.closes()
    assert archive
    machine.tell("ARCHIVED", path="/ws/a.tar")
    machine.done(command_id)
    assert machine.sweep() == ("KEEP", "its archive is kept for 30 days")
    machine.later(31)
    assert machine.sweep()[0] == "FORGET"
    assert not machine.closes()[1]


def test_of_what_is_on_a_platform_not_to_know_is_no_yes(machine_of: Made) -> None:
    machine = machine_of(PULL)
    machine.leaves()
    machine.over()
    machine.later(8)

    assert machine.sweep()[0] == "KEEP"
    assert "nobody has said within the hour" in machine.sweep()[1]
    assert not machine.link.waiting()
    machine.over()  # the platform's fresh answer decides at once
    assert not machine.closes()[1]


def test_what_is_open_again_is_kept_and_its_grace_begins_anew(machine_of: Made) -> None:
    machine = machine_of(PULL)
    machine.leaves()
    assert machine.over().state == types.WORKSPACE_STATE_CLOSING
    machine.later(6)
    assert machine.over(over=False).state == types.WORKSPACE_STATE_READY
    machine.over()
    machine.later(2)
    machine.over()

    assert machine.sweep() == ("KEEP", "its 7 days of grace are not over")
    assert not machine.link.waiting()


def test_a_machine_that_is_away_loses_nothing(router: RouterUnderTest, machine_of: Made) -> None:
    machine = machine_of(OWN)
    machine.leaves()
    machine.over()
    machine.link.goodbye()
    router.time.skipped += 8 * DAY
    wait_until(lambda: not router.control.ListMachines(pb.ListMachinesRequest()).machines[0].connected)

    assert machine.sweep() == ("KEEP", "its machine is away")


def test_a_session_in_it_is_not_closed_by_a_person_either(router: RouterUnderTest, machine_of: Made) -> None:
    machine = machine_of(OWN)
    close = pb.CloseWorkspaceRequest(key=OWN, archive=True)
    with pytest.raises(Exception, match="is in workspace"):
        router.control.CloseWorkspace(close)

    machine.leaves()
    command = router.control.CloseWorkspace(close).command

    assert machine.closes() == (command.command_id, True)


def test_a_key_that_reaches_another_machine_alone_sees_and_closes_nothing(
    router: RouterUnderTest, machine_of: Made
) -> None:
    machine = machine_of(OWN)
    machine.leaves()
    wanted = pb.CreateApiKeyRequest(label="limited", role=pb.ROLE_OPERATOR, machines=["elsewhere-*"])
    limited = router.caller(router.control.CreateApiKey(wanted).secret).control

    assert not limited.ListWorkspaces(pb.ListWorkspacesRequest()).workspaces
    assert not limited.SweepWorkspaces(pb.SweepWorkspacesRequest()).decisions
    with pytest.raises(Exception, match="There is no workspace"):
        limited.CloseWorkspace(pb.CloseWorkspaceRequest(key=OWN))


def test_a_machine_is_told_what_may_go_where_it_has_no_room(router: RouterUnderTest, machine_of: Made) -> None:
    machine = machine_of(OWN)
    machine.leaves()
    place = types.Workspace(key="acme/web", repository="https://github.com/acme/web", spare=["made up"])
    router.control.StartSession(pb.StartSessionRequest(prompt="go", workspace=place))
    [before] = machine.link.commands(1)
    machine.link.receipt(before.command_id)
    machine.over()
    place.key = "acme/app"
    router.control.StartSession(pb.StartSessionRequest(prompt="go", workspace=place))
    [after] = machine.link.commands(1)

    assert list(before.action.start_session.workspace.spare) == []
    assert list(after.action.start_session.workspace.spare) == [OWN]
