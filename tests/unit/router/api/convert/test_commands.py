"""What a command is to do, read from its message."""

import pytest
from agentlink.v1 import types_pb2 as pb

from router.api.convert import commands
from router.domain.action import KEYS, KeyPress
from router.domain.errors import Refusal


@pytest.mark.parametrize("name", sorted(KEYS))
def test_every_key_is_understood_in_any_case(name: str) -> None:
    assert commands.action(pb.Action(key=pb.KeyPress(name=name.upper()))) == KeyPress(name)


@pytest.mark.parametrize("message", [pb.Action(), pb.Action(key=pb.KeyPress(name="f13")), pb.Action(key=pb.KeyPress())])
def test_an_action_that_says_nothing_is_refused(message: pb.Action) -> None:
    with pytest.raises(Refusal):
        commands.action(message)
