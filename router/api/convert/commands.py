"""Commands, and what they do."""

from agentlink.v1 import types_pb2 as pb

from router.api.convert.chats import chat_message
from router.api.convert.files import file_action
from router.api.convert.permissions import decision_message
from router.api.convert.sessions import CONTROLS, KINDS
from router.api.convert.times import timestamp
from router.api.convert.workspaces import workspace_action, workspace_message
from router.domain.action import (
    KEYS,
    Action,
    CloseWorkspace,
    FileInput,
    Input,
    KeepSession,
    KeyPress,
    Lane,
    PackWorkspace,
    PermissionDecision,
    StartSession,
    StopSession,
    TakeWorkspace,
)
from router.domain.command import Command, CommandState, Origin
from router.domain.control import ControlSignal, checked
from router.domain.errors import Reason, Refusal

COMMAND_STATES = {state: pb.CommandState.Value(f"COMMAND_STATE_{state.name}") for state in CommandState}
STATES_OF_COMMANDS = {number: state for state, number in COMMAND_STATES.items()}
LANES = {Lane.NORMAL: pb.LANE_NORMAL, Lane.URGENT: pb.LANE_URGENT}


def action(message: pb.Action) -> Action:
    """What a caller of Control may ask for. Raises Refusal when it is empty or names no key we know."""
    match message.WhichOneof("kind"):
        case "input":
            return Input(message.input.text, message.input.submit)
        case "key":
            name = message.key.name.lower()
            if name not in KEYS:
                raise Refusal(Reason.INVALID_ARGUMENT, f"There is no key {name!r}. One of: {', '.join(sorted(KEYS))}")
            return KeyPress(name)
        case "keep_session":
            return KeepSession()
        case "control":
            if message.control.kind not in KINDS:
                raise Refusal(Reason.INVALID_ARGUMENT, "control must have a kind")
            return checked(KINDS[message.control.kind], message.control.value)
    # The others have calls of their own, which check more: StartSession, StopSession, RespondPermission, PutPart.
    raise Refusal(Reason.INVALID_ARGUMENT, "action must have input, key, keep_session or control")


def action_message(value: Action) -> pb.Action:
    match value:
        case Input(text, submit):
            return pb.Action(input=pb.Input(text=text, submit=submit))
        case FileInput():
            return file_action(value)
        case KeyPress(name):
            return pb.Action(key=pb.KeyPress(name=name))
        case PermissionDecision():
            return pb.Action(permission_decision=decision_message(value))
        case StartSession(prompt, folder, conversation_id, keep, agent, workspace, platform):
            start = pb.StartSession(
                prompt=prompt, folder=folder, conversation_id=conversation_id, keep=keep, agent=agent,
                workspace=workspace_message(workspace) if workspace else None, platform=platform,
            )  # fmt: skip
            return pb.Action(start_session=start)
        case CloseWorkspace() | PackWorkspace() | TakeWorkspace():
            return workspace_action(value)
        case StopSession():
            return pb.Action(stop_session=pb.StopSession())
        case KeepSession():
            return pb.Action(keep_session=pb.KeepSession())
        case ControlSignal(kind=changed, value=to):
            signal = pb.ControlSignal(kind=CONTROLS[changed.value], value=to)
            return pb.Action(control=signal)


def command_message(c: Command) -> pb.Command:
    return pb.Command(
        command_id=c.command_id, session_id=c.session_id, machine_id=c.machine_id, sequence=c.sequence,
        generation=c.generation, lane=LANES[c.lane], action=action_message(c.action), state=COMMAND_STATES[c.state],
        reason=c.reason.value, detail=c.detail, attempt=c.attempt,  # type: ignore[arg-type]
        origin=origin_message(c.origin), redrive_of=c.redrive_of,
        created_at=timestamp(c.created_at), sent_at=timestamp(c.sent_at), received_at=timestamp(c.received_at),
        typed_at=timestamp(c.typed_at), taken_at=timestamp(c.taken_at), finished_at=timestamp(c.finished_at),
        ended_at=timestamp(c.ended_at), dropped=c.dropped,
    )  # fmt: skip


def origin_message(origin: Origin) -> pb.Origin:
    return pb.Origin(source=origin.source, actor=origin.actor, chat=chat_message(origin.chat) if origin.chat else None)
