"""What a command asks for, as its row has it: a kind, a text (JSON of several parts), and whether Enter follows."""

import json
from typing import Any

from msgspec.structs import astuple, replace

from router.domain.action import (
    Action,
    CloseWorkspace,
    FileInput,
    Input,
    KeepSession,
    KeyPress,
    PackWorkspace,
    PermissionDecision,
    StartSession,
    StopSession,
    TakeWorkspace,
)
from router.domain.control import ControlKind, ControlSignal
from router.domain.permission_input import FormAnswer
from router.domain.workspace import Workspace

INPUT, START = "input", "start"  # what begins with words of a person
_PLAIN = 5  # parts of a start, before its workspace and its platform
_OF_PARTS = {
    "file": FileInput, START: StartSession, "decision": PermissionDecision, "close": CloseWorkspace,
    "pack": PackWorkspace, "take": TakeWorkspace,
}  # fmt: skip
_OF_NOTHING: dict[str, type[StopSession | KeepSession]] = {"stop": StopSession, "keep": KeepSession}
_KINDS = {kind: name for name, kind in (_OF_PARTS | _OF_NOTHING).items()}


def split(action: Action) -> tuple[str, str, bool]:
    """The columns of an action."""
    if isinstance(action, Input):
        return INPUT, action.text, action.submit
    match action:
        case KeyPress(name):
            return "key", name, False
        case ControlSignal(kind, value):
            return "control", json.dumps([kind.value, value]), False
        case StopSession() | KeepSession():
            return _KINDS[type(action)], "", False
        case TakeWorkspace(workspace, digest, size, file_id):
            return "take", json.dumps((astuple(workspace), digest, size, file_id)), False
        case FileInput() | PermissionDecision() | StartSession() | CloseWorkspace() | PackWorkspace():
            # A file's path is typed with Enter, though nothing asks the column: older routers wrote it so.
            return _KINDS[type(action)], json.dumps(_parts(action)), isinstance(action, FileInput)


def join(kind: str, text: str, submit: bool) -> Action:  # noqa: FBT001 -- it is a row's column
    """The action of its columns."""
    if kind == INPUT:
        return Input(text, submit)
    if kind == "key":
        return KeyPress(text)
    if kind == "control":
        changed, value = json.loads(text)
        return ControlSignal(ControlKind(changed), value)
    if kind in _OF_NOTHING:
        return _OF_NOTHING[kind]()
    if kind == "decision":
        return _decision(*json.loads(text))
    if kind == START:
        return _start(*json.loads(text))
    if kind == "take":
        place, *rest = json.loads(text)
        return TakeWorkspace(_workspace(*place), *rest)
    made: Action = _OF_PARTS[kind](*json.loads(text))
    return made


def _parts(
    action: FileInput | PermissionDecision | StartSession | CloseWorkspace | PackWorkspace,
) -> tuple[object, ...]:
    parts: tuple[object, ...] = astuple(action)
    rest, last = parts[:-1], parts[-1]
    if isinstance(action, PermissionDecision):
        last = [astuple(each) for each in action.answers]
    if isinstance(action, StartSession):
        return _parts_of_start(action)
    return (*rest, last)


def _parts_of_start(action: StartSession) -> tuple[object, ...]:
    """As earlier versions wrote it, where it has nothing that they did not know."""
    *plain, _, platform = astuple(action)
    place = astuple(action.workspace)[: None if action.workspace.spare else -1] if action.workspace else None
    more = (place, platform) if platform else (place,) if place else ()
    return (*plain, *more)


def _start(*parts: Any) -> StartSession:  # noqa: ANN401 -- as JSON has it
    plain, place, platform = parts[:_PLAIN], parts[_PLAIN : _PLAIN + 1], parts[_PLAIN + 1 :]
    made = replace(StartSession(*plain), platform=next(iter(platform), ""))  # earlier versions wrote fewer
    return replace(made, workspace=_workspace(*place[0])) if any(place) else made


def _workspace(*parts: Any) -> Workspace:  # noqa: ANN401 -- as JSON has it
    spare = parts[6] if len(parts) > 6 else ()  # earlier versions wrote fewer
    return replace(Workspace(*parts[:6]), spare=tuple(spare))


def _decision(permission_id: str, digest: str, option_id: str, text: str, *more: Any) -> PermissionDecision:  # noqa: ANN401 -- as JSON has it
    updated_input, answers = more or ("", ())  # earlier versions wrote no more
    form = tuple(FormAnswer(tuple(option_ids), words) for option_ids, words in answers)
    return PermissionDecision(permission_id, digest, option_id, text, updated_input, form)
