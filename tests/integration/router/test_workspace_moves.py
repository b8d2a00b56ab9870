"""A workspace goes to another machine: packed by the one, put back by the other, and on one of the two at any time."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import Caller, RouterUnderTest
from tests.integration.router.test_bindings import bind, write
from tests.integration.router.test_workspaces import KEY, REPOSITORY, begin, end, refusal, start, tell
from tests.rigs.thin_agent import ThinAgent, ThinLink

ABLE = ["start", "workspaces", "moves"]
PLACE = types.Workspace(key=KEY, repository=REPOSITORY, ref="refs/pull/12/head")
ARCHIVE = b"a" * 1000
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()
TOLD = {"archive_digest": DIGEST, "archive_bytes": len(ARCHIVE)}
FAILED = {"outcome": link_pb.RESULT_OUTCOME_FAILED, "reason": types.REASON_WORKSPACE_FULL, "detail": "no room"}


class Side:
    """A machine with its link, which counts what it says."""

    def __init__(self, agent: ThinAgent, links: ExitStack, capabilities: list[str] = ABLE) -> None:
        self.agent, self.machine_id, self._links, self.seq = agent, agent.machine_id, links, 0
        self.capabilities = capabilities
        self.connect()

    def connect(self) -> None:
        self.link: ThinLink = self._links.enter_context(self.agent.connected(capabilities=self.capabilities))

    def again(self, router: RouterUnderTest) -> None:
        """The same machine, once the router is back at another address."""
        before, self.agent = self.agent, router.stranger(self.machine_id)
        for name in ("key", "inbox_id", "outbox_id", "instance_id", "last_epoch", "inbox", "router_id"):
            setattr(self.agent, name, getattr(before, name))
        self.connect()

    def tell(self, state: str, **figures: Any) -> link_pb.UpstreamAck:
        self.seq += 1
        tell(self.link, self.seq, state, **figures)
        return self.link.acked(self.seq)

    def command(self) -> link_pb.CommandFrame:
        [frame] = self.link.commands(1)
        self.link.receipt(frame.command_id)
        return frame

    def done(self, frame: link_pb.CommandFrame, **result: Any) -> None:
        self.seq += 1
        self.link.result(self.seq, frame.command_id, **result)
        self.link.acked(self.seq)

    def packs(self) -> link_pb.CommandFrame:
        """All that the machine does that has it; the command whose end is not said yet."""
        frame = self.command()
        assert frame.action.pack_workspace.key == KEY
        self.agent.put_part(DIGEST, 0, ARCHIVE)
        self.tell("READY", **TOLD)
        return frame


@pytest.fixture
def links() -> Iterator[ExitStack]:
    with ExitStack() as links:
        yield links


@pytest.fixture
def here(router: RouterUnderTest, agent: ThinAgent, links: ExitStack) -> Side:
    """Where a workspace is that nobody is in any more."""
    side = Side(agent, links)
    start(router, machine_id=agent.machine_id)
    end(side.link, begin(side.link, 1).session_id, 4)
    side.seq = 4
    side.tell("READY", path="/here/tree")
    return side


@pytest.fixture
def there(router: RouterUnderTest, links: ExitStack) -> Side:
    return Side(router.machine(), links)


def move(router: RouterUnderTest | Caller, to: Side, **more: Any) -> types.KnownWorkspace:
    asked = pb.MoveWorkspaceRequest(key=KEY, machine_id=to.machine_id, **more)
    return router.control.MoveWorkspace(asked).workspace


def known(router: RouterUnderTest) -> types.KnownWorkspace:
    [one] = router.control.ListWorkspaces(pb.ListWorkspacesRequest()).workspaces
    return one


def place(router: RouterUnderTest) -> tuple[str, str, str]:
    one = known(router)
    return one.machine_id, types.WorkspaceState.Name(one.state).removeprefix("WORKSPACE_STATE_"), one.moving_to


def steps(router: RouterUnderTest) -> list[str]:
    found = router.control.Trace(pb.TraceRequest(id=KEY)).steps
    return [step.to_state for step in found if step.event == "WorkspaceMove"]


def test_it_goes_and_only_then_is_what_was_left_archived(router: RouterUnderTest, here: Side, there: Side) -> None:
    assert move(router, there).moving_to == there.machine_id
    packing = here.packs()
    here.done(packing, detail="packed")
    taking = there.command()
    asked = taking.action.take_workspace
    assert (asked.workspace.key, asked.archive_digest, asked.archive_bytes) == (KEY, DIGEST, len(ARCHIVE))
    assert there.agent.part(taking.command_id, 0) == ARCHIVE
    there.tell("PREPARING")
    there.tell("READY", path="/there/tree")  # not by its digest: that may be anything
    assert place(router) == (here.machine_id, "READY", there.machine_id)
    assert not here.link.waiting()

    there.tell("READY", path="/there/tree", **TOLD)

    assert place(router) == (there.machine_id, "READY", "")
    assert known(router).path == "/there/tree"
    there.done(taking, detail="it is in /there/tree")
    clearing = here.command()
    assert (clearing.action.close_workspace.key, clearing.action.close_workspace.archive) == (KEY, True)
    assert not here.tell("ARCHIVED", path="/here/a.tar").rejected
    here.done(clearing, detail="archived in /here/a.tar")
    assert place(router) == (there.machine_id, "READY", "")  # what it says of its archive is no word of the workspace
    assert steps(router)[-1] == "LEFT"

    start(router)  # where nobody says which machine

    begun = there.command().action.start_session.workspace
    assert (begun.key, begun.restore) == (KEY, False)
    assert not router.read(lambda on: on.execute("SELECT 1 FROM file_parts").fetchall())


def arrived(router: RouterUnderTest, here: Side, there: Side) -> None:
    move(router, there)
    here.done(here.packs())
    taking = there.command()
    there.tell("READY", **TOLD)
    there.done(taking)


def test_what_is_left_is_archived_in_the_end_and_goes_after_thirty_days(
    router: RouterUnderTest, here: Side, there: Side
) -> None:
    arrived(router, here, there)
    here.done(here.command(), **FAILED)  # this time it could not be
    router.control.SweepWorkspaces(pb.SweepWorkspacesRequest())
    again = here.command()
    assert again.action.close_workspace.archive
    router.control.SweepWorkspaces(pb.SweepWorkspacesRequest())
    assert not here.link.waiting()  # once is enough
    here.done(again)
    router.control.SweepWorkspaces(pb.SweepWorkspacesRequest())
    assert not here.link.waiting()

    here.link.goodbye()
    there.link.goodbye()
    router.time.skipped += 30 * 24 * 3600.0 + 1
    here.connect()
    router.control.SweepWorkspaces(pb.SweepWorkspacesRequest())

    last = here.command()
    assert not last.action.close_workspace.archive
    here.done(last)
    assert steps(router)[-1] == "DONE"
    assert place(router)[0] == there.machine_id


def test_what_is_written_on_a_platform_goes_where_people_brought_it(
    router: RouterUnderTest, here: Side, there: Side
) -> None:
    bind(router, here.machine_id, folder="")
    arrived(router, here, there)
    here.done(here.command())

    write(router, "go on", workspace=PLACE)

    assert there.command().action.start_session.workspace.key == KEY
    assert not here.link.waiting()


def test_it_comes_back(router: RouterUnderTest, here: Side, there: Side) -> None:
    arrived(router, here, there)
    here.done(here.command())

    arrived(router, there, here)

    assert place(router) == (here.machine_id, "READY", "")
    assert there.command().action.close_workspace.archive
    here.tell("IN_USE")
    assert place(router)[1] == "IN_USE"
    router.control.SweepWorkspaces(pb.SweepWorkspacesRequest())
    assert not here.link.waiting()  # what it left here once is the workspace itself again


def test_where_it_cannot_be_packed_it_stays_and_says_why(router: RouterUnderTest, here: Side, there: Side) -> None:
    move(router, there)
    here.done(here.command(), **FAILED)

    assert place(router) == (here.machine_id, "READY", "")
    assert known(router).move_detail == "no room"
    assert not there.link.waiting()
    start(router)
    assert here.command().action.start_session.workspace.key == KEY


def test_where_the_other_machine_cannot_have_it_it_stays(router: RouterUnderTest, here: Side, there: Side) -> None:
    move(router, there)
    here.done(here.packs())
    taking = there.command()
    assert not there.tell("FAILED", detail="no room").rejected
    there.done(taking, **FAILED)

    assert place(router) == (here.machine_id, "READY", "")
    assert known(router).move_detail == "no room"
    assert not here.link.waiting()  # nothing of it is archived
    assert there.tell("READY", **TOLD).rejected[0].reason == types.REASON_SESSION_OWNED_ELSEWHERE
    move(router, there)  # once there is room
    assert known(router).move_detail == ""


@pytest.mark.parametrize("told", [{}, TOLD | {"archive_bytes": 5}, {"archive_digest": "x", "archive_bytes": 1000}])
def test_what_is_not_all_here_goes_nowhere(
    router: RouterUnderTest, here: Side, there: Side, told: dict[str, Any]
) -> None:
    move(router, there)
    packing = here.command()
    here.agent.put_part(DIGEST, 0, ARCHIVE)
    here.tell("READY", **told)
    here.done(packing)

    assert place(router) == (here.machine_id, "READY", "")
    assert "not all of it came" in known(router).move_detail
    assert not there.link.waiting()


def test_nobody_else_gets_its_parts(router: RouterUnderTest, here: Side, there: Side) -> None:
    move(router, there)
    packing = here.packs()
    here.done(packing)
    taking = there.command()

    assert refusal(here.agent.part, taking.command_id, 0) == "NOT_FOUND"
    assert refusal(there.agent.part, packing.command_id, 0) == "NOT_FOUND"
    assert refusal(router.machine().part, taking.command_id, 0) == "NOT_FOUND"


def test_meanwhile_nothing_begins_in_it_and_nobody_closes_it(router: RouterUnderTest, here: Side, there: Side) -> None:
    move(router, there)
    here.packs()

    for to in (here, there):
        assert refusal(start, router, machine_id=to.machine_id) == "ILLEGAL_STATE"
    assert refusal(router.control.CloseWorkspace, pb.CloseWorkspaceRequest(key=KEY)) == "ILLEGAL_STATE"
    assert refusal(move, router, there) == "ILLEGAL_STATE"
    router.control.SayWorkspaceOver(pb.SayWorkspaceOverRequest(key=KEY, over=True))
    [decision] = router.control.SweepWorkspaces(pb.SweepWorkspacesRequest()).decisions
    assert (decision.deed, place(router)[2]) == (pb.WORKSPACE_DEED_KEEP, there.machine_id)


def test_what_may_not_move_does_not(router: RouterUnderTest, here: Side, there: Side, links: ExitStack) -> None:
    old = Side(router.machine(), links, ["start", "workspaces"])

    assert refusal(move, router, here) == "ILLEGAL_STATE"  # it is there
    assert refusal(move, router, old) == "UNSUPPORTED"
    nobody = pb.MoveWorkspaceRequest(key=KEY, machine_id="nobody")
    assert refusal(router.control.MoveWorkspace, nobody) == "NOT_FOUND"
    start(router)
    assert refusal(move, router, there) == "ILLEGAL_STATE"  # a session is in it
    assert steps(router) == []


def test_only_who_may_use_both_machines_moves_it(router: RouterUnderTest, here: Side, there: Side) -> None:
    def limited(*sides: Side) -> Caller:
        machines = [side.machine_id for side in sides]
        asked = pb.CreateApiKeyRequest(label="ci", role=pb.ROLE_OPERATOR, machines=machines)
        return router.caller(router.control.CreateApiKey(asked).secret)

    assert refusal(move, limited(here), there) == "NOT_FOUND"
    assert refusal(move, limited(there), there) == "NOT_FOUND"
    assert move(limited(here, there), there).moving_to == there.machine_id


def test_a_router_that_dies_between_any_two_steps_goes_on(router: RouterUnderTest, here: Side, there: Side) -> None:
    def restart() -> None:
        router.restart()
        here.again(router)
        there.again(router)

    asked = move(router, there, request_id="r1")
    assert move(router, there, request_id="r1") == asked  # whoever asked may not have heard
    restart()
    packing = here.packs()
    restart()
    here.tell("READY", **TOLD)  # it may come again
    here.done(packing)
    restart()
    taking = there.command()
    restart()
    there.tell("READY", **TOLD)
    restart()
    there.tell("READY", **TOLD)
    there.done(taking)

    assert place(router) == (there.machine_id, "READY", "")
    clearing = here.command()
    restart()
    here.done(clearing)
    assert [*dict.fromkeys(steps(router))] == ["PACKING", "TAKING", "CLEARING", "LEFT"]
    commands = router.control.ListCommands(pb.ListCommandsRequest(limit=100)).commands
    asked_of = [each.action.WhichOneof("kind") for each in commands]
    assert sorted(asked_of) == ["close_workspace", "pack_workspace", "start_session", "take_workspace"]


def test_one_whose_machine_does_not_come_back_in_an_hour_stays(
    router: RouterUnderTest, here: Side, there: Side
) -> None:
    here.link.goodbye()
    move(router, there)
    [packing] = router.control.ListCommands(pb.ListCommandsRequest(limit=1)).commands
    router.advance(3700.0)

    assert router.command(packing.command_id, wait=10).state == types.COMMAND_STATE_EXPIRED
    assert place(router) == (here.machine_id, "READY", "")
    assert known(router).move_detail


def test_a_chat_moves_one_and_hears_what_became_of_it(router: RouterUnderTest, here: Side, there: Side) -> None:
    chat = types.ChatRef(transport="test", chat_id="7")

    def says(words: str) -> str:
        return str(router.submit(chat, words, user_id="7", actor="ada").answer)

    assert "There is no machine nowhere" in says("/workspaces move api#12 nowhere")
    assert f"on its way to {there.machine_id}" in says(f"/workspaces move api#12 {there.machine_id}")
    here.done(here.packs())
    there.done(there.command(), **FAILED)

    notes = router.control.ListNotifications(pb.ListNotificationsRequest(limit=100)).notifications
    assert [note.text for note in notes if "stays where it is" in note.text and "no room" in note.text]
    assert "stayed there: no room" in says("/workspaces")
