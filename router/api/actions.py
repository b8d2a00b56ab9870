"""What a command does, between protobuf and values."""

from agentlink.v1 import types_pb2 as pb

from router.api import files, questions
from router.domain.command import (
    KEYS,
    Action,
    FileInput,
    Input,
    KeepSession,
    KeyPress,
    PermissionDecision,
    StartSession,
    StopSession,
)
from router.domain.errors import Reason, Refusal


def action(message: pb.Action) -> Action:
    """Raises Refusal when it is empty or names no key we know."""
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
    raise Refusal(Reason.INVALID_ARGUMENT, "action must have input, key or keep_session")


def message(value: Action) -> pb.Action:
    match value:
        case Input(text, submit):
            return pb.Action(input=pb.Input(text=text, submit=submit))
        case FileInput():
            return files.action(value)
        case KeyPress(name):
            return pb.Action(key=pb.KeyPress(name=name))
        case PermissionDecision():
            return pb.Action(permission_decision=questions.decision(value))
        case StartSession(prompt, folder, conversation_id, keep):
            start = pb.StartSession(prompt=prompt, folder=folder, conversation_id=conversation_id, keep=keep)
            return pb.Action(start_session=start)
        case StopSession():
            return pb.Action(stop_session=pb.StopSession())
        case KeepSession():
            return pb.Action(keep_session=pb.KeepSession())
