"""A machine's disk that was put back from an old copy: the welcome says what must not be typed from it any more."""

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent, ThinLink, ids
from tests.waiting import wait_until

WAITS, RUNS = link_pb.INBOX_STATE_RECEIVED, link_pb.INBOX_STATE_STARTED


def confirmed(router: RouterUnderTest, link: ThinLink, session: str) -> str:
    """A command that is on the machine's disk."""
    command_id = router.send(session).command_id
    link.commands(1)
    link.receipt(command_id)
    wait_until(lambda: router.command(command_id).state == types.COMMAND_STATE_RECEIVED)
    return command_id


def held(**inbox: "link_pb.InboxState.ValueType") -> list[link_pb.UnresolvedCommand]:
    return [link_pb.UnresolvedCommand(command_id=one, inbox_state=state) for one, state in inbox.items()]


def welcomed(agent: ThinAgent, **hello: object) -> link_pb.Welcome:
    """What a machine is told when it comes with this."""
    link = agent.dial(**hello)
    welcome = link.welcome()
    link.goodbye()
    return welcome


def test_what_waits_on_both_sides_is_to_be_typed(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        waiting = confirmed(router, link, session)

    welcome = welcomed(agent, instance_id="the next process")

    assert (list(welcome.recalled), welcome.inbox_outdated) == ([], False)
    assert router.command(waiting).state == types.COMMAND_STATE_RECEIVED


def test_what_nobody_here_knows_is_recalled(agent: ThinAgent) -> None:
    welcome = welcomed(agent, unresolved=held(forgotten=WAITS, begun=RUNS))

    assert (list(welcome.recalled), welcome.inbox_outdated) == (["forgotten"], False)


def test_a_command_of_another_machine_is_recalled(router: RouterUnderTest, session: str) -> None:
    command_id = router.send(session).command_id

    assert list(welcomed(router.machine(), unresolved=held(**{command_id: WAITS})).recalled) == [command_id]


@pytest.mark.parametrize("outcome", [link_pb.RESULT_OUTCOME_DONE, link_pb.RESULT_OUTCOME_FAILED])
def test_an_inbox_in_which_waits_what_it_carried_out_is_an_old_copy(
    router: RouterUnderTest, agent: ThinAgent, session: str, outcome: "link_pb.ResultOutcome.ValueType"
) -> None:
    with agent.connected() as link:
        over, doubtful = confirmed(router, link, session), confirmed(router, link, session)
        link.result(1, over, outcome=outcome)
        link.acked(1)

    welcome = welcomed(agent, unresolved=held(**{over: WAITS, doubtful: WAITS}))

    assert (set(welcome.recalled), welcome.inbox_outdated) == ({over, doubtful}, True)
    ended = router.command(doubtful)
    assert (ended.state, ended.reason) == (types.COMMAND_STATE_UNCERTAIN, types.REASON_INBOX_LOST)


@pytest.mark.rule("A8")
def test_an_inbox_that_lacks_what_it_confirmed_is_an_old_copy(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        kept, missing = confirmed(router, link, session), confirmed(router, link, session)

    welcome = welcomed(agent, unresolved=held(**{kept: WAITS}))

    assert (list(welcome.recalled), welcome.inbox_outdated) == ([kept], True)
    assert {router.command(one).reason for one in (kept, missing)} == {types.REASON_INBOX_LOST}


def test_what_was_never_sent_goes_to_an_old_copy_all_the_same(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        confirmed(router, link, session)
    never_sent = router.send(session)

    with agent.connected(unresolved=[]) as link:
        assert ids(link.commands(1)) == [never_sent.command_id]
