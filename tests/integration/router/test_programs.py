"""What machines say of the programs that they would start."""

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent


def test_what_a_machine_says_of_its_programs_is_told_and_kept(router: RouterUnderTest, agent: ThinAgent) -> None:
    told = types.ProgramVersion(
        name="gemini", version="1", mode="in its mode default", lacks="node\x1b[2J is 18", login=types.LOGIN_FOUND_NO
    )
    bad = types.ProgramVersion(name="not a word", version="1")
    with agent.connected(capabilities=["text", "start"], programs=[told, bad, types.ProgramVersion(name="claude")]):
        pass
    router.restart()
    [machine] = router.control.ListMachines(pb.ListMachinesRequest()).machines

    gemini, claude = machine.programs
    assert (gemini.version, gemini.mode, gemini.login) == ("1", "in its mode default", types.LOGIN_FOUND_NO)
    assert gemini.lacks == "node[2J is 18"
    assert claude == types.ProgramVersion(name="claude")
