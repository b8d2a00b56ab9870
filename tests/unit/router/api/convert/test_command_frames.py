"""Commands as they go out: each is told whole, alone and among others."""

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import types_pb2 as pb
from msgspec.structs import replace

from router.api.convert.command_frames import commands_frame
from router.domain.action import Action, FileInput, Input, KeyPress, Lane, PermissionDecision, StopSession
from router.domain.command import ChatRef, Command, Origin

COMMAND = Command("c1", "s1", "devbox", 0, 1, Lane.NORMAL, Input("go on"), Origin("api"), 1.0, 61.0, attempt=1)


def alone(command: Command) -> link_pb.CommandFrame:
    return commands_frame([command], 9).command


def test_a_command_is_told_whole() -> None:
    chat = ChatRef("telegram", "-100", "7", "42")
    command = replace(
        COMMAND, generation=2**40, sequence=300, attempt=2, lane=Lane.URGENT, has_ttl=True, sent_at=31.5,
        action=Input("go on", submit=False), origin=Origin("telegram", "Ann", chat),
    )  # fmt: skip

    frame = alone(command)

    expected = link_pb.CommandFrame(
        command_id="c1", session_id="s1", generation=2**40, sequence=300, attempt=2, lane=pb.LANE_URGENT,
        action=pb.Action(input=pb.Input(text="go on")),
        origin=pb.Origin(
            source="telegram", actor="Ann",
            chat=pb.ChatRef(transport="telegram", chat_id="-100", thread_id="7", message_id="42"),
        ),
    )  # fmt: skip
    expected.ttl_remaining.FromMilliseconds(29_500)
    assert frame == expected


def test_what_a_command_has_not_is_not_told() -> None:
    frame = alone(COMMAND)

    assert frame.action == pb.Action(input=pb.Input(text="go on", submit=True))
    assert not frame.origin.HasField("chat")
    assert not frame.HasField("ttl_remaining")


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (Input("", submit=False), "input"),
        (KeyPress("esc"), "key"),
        (FileInput("f", "name.txt", 5, "look"), "file"),
        (PermissionDecision("p", "d", "allow"), "permission_decision"),
        (StopSession(), "stop_session"),
    ],
)
def test_every_kind_of_action_keeps_its_kind(action: Action, kind: str) -> None:
    assert alone(replace(COMMAND, action=action)).action.WhichOneof("kind") == kind


def test_commands_without_an_origin_beyond_its_source_keep_even_an_empty_one() -> None:
    assert alone(replace(COMMAND, origin=Origin(""))).HasField("origin")


@pytest.mark.parametrize("count", [1, 2, 40])
def test_so_many_commands_come_in_one_frame(count: int) -> None:
    commands = [replace(COMMAND, command_id=f"c{number}", sequence=number) for number in range(count)]

    frame = commands_frame(commands, 9)

    told = [frame.command] if count == 1 else list(frame.commands.commands)
    assert (frame.link_epoch, frame.WhichOneof("frame")) == (9, "command" if count == 1 else "commands")
    assert told == [alone(each) for each in commands]
