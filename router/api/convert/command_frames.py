"""Commands as they go out to their machines: of all that the router says, this is the most.

Each is written where it stands in its frame: a message that is handed to another is copied, with all that is in it.
"""

from collections.abc import Sequence

from agentlink.v1 import agent_link_pb2 as link_pb

from router.api.convert.commands import LANES, action_message
from router.api.convert.times import duration
from router.domain.action import Input
from router.domain.command import Command


def commands_frame(commands: Sequence[Command], epoch: int) -> link_pb.RouterFrame:
    """The frame that brings these; of several only for who takes a batch."""
    frame = link_pb.RouterFrame(link_epoch=epoch)
    if len(commands) == 1:
        _write(frame.command, commands[0])
    else:
        batch = frame.commands.commands
        for command in commands:
            _write(batch.add(), command)
    return frame


def _write(frame: link_pb.CommandFrame, c: Command) -> None:
    frame.command_id, frame.session_id, frame.generation = c.command_id, c.session_id, c.generation
    frame.sequence, frame.attempt, frame.lane = c.sequence, c.attempt, LANES[c.lane]
    if isinstance(c.action, Input):
        typed = frame.action.input
        typed.text, typed.submit = c.action.text, c.action.submit
    else:
        frame.action.CopyFrom(action_message(c.action))
    origin, chat = frame.origin, c.origin.chat
    origin.source, origin.actor = c.origin.source, c.origin.actor
    if chat is not None:
        place = origin.chat
        place.transport, place.chat_id = chat.transport, chat.chat_id
        place.thread_id, place.message_id = chat.thread_id, chat.message_id
    if c.has_ttl and c.sent_at is not None:
        # What is left, not until when: the clocks of two machines differ.
        frame.ttl_remaining.CopyFrom(duration(max(0.0, c.expires_at - c.sent_at)))
