"""What a command asks for, as the columns `kind`, `text` and `submit` of the inbox."""

import json
from dataclasses import astuple, replace
from typing import Any

from agent.domain.command import (
    CloseWorkspace,
    FileInput,
    Input,
    KeepSession,
    KeyPress,
    Order,
    PackWorkspace,
    PermissionDecision,
    StartSession,
    StopSession,
    TakeWorkspace,
)
from agent.domain.control import ControlKind, ControlSignal
from agent.domain.permission import FormAnswer
from agent.domain.workspace import Workspace

_KINDS: dict[str, type[Order]] = {
    "input": Input,
    "file": FileInput,
    "key": KeyPress,
    "decision": PermissionDecision,
    "start": StartSession,
    "stop": StopSession,
    "keep": KeepSession,
    "control": ControlSignal,
    "close": CloseWorkspace,
    "pack": PackWorkspace,
    "take": TakeWorkspace,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def columns_of(action: Order) -> tuple[str, str, bool]:
    """The columns of an action."""
    match action:
        case Input(text, submit):
            return "input", text, submit
        case KeyPress(name):
            return "key", name, False
        case ControlSignal(kind, value):
            return "control", json.dumps([kind.value, value]), False
    fields = astuple(action)
    return _NAMES[type(action)], json.dumps(fields) if fields else "", isinstance(action, FileInput)


def action_of(kind: str, text: str, *, submit: bool) -> Order:
    """The action in these columns."""
    match kind:
        case "input":
            return Input(text, submit)
        case "key":
            return KeyPress(text)
        case "control":
            kind, value = json.loads(text)
            return ControlSignal(ControlKind(kind), value)
        case "decision":
            return _decision(*json.loads(text))
        case "start":
            made = StartSession(*json.loads(text))
            return replace(made, workspace=_workspace(*made.workspace)) if made.workspace else made  # type: ignore[misc]
        case "take":
            place, *rest = json.loads(text)
            return TakeWorkspace(_workspace(*place), *rest)
    # By position: a field may be added behind the others, with a default.
    return _KINDS[kind](*json.loads(text or "[]"))


def _workspace(*parts: Any) -> Workspace:  # noqa: ANN401 -- JSON
    spare = parts[6] if len(parts) > 6 else ()  # an earlier version wrote fewer
    return replace(Workspace(*parts[:6]), spare=tuple(spare))


def _decision(permission_id: str, digest: str, option_id: str, text: str, *more: Any) -> Order:  # noqa: ANN401 -- JSON
    updated_input, answers = more or ("", [])  # an earlier version wrote no more
    form = tuple(FormAnswer(tuple(option_ids), words) for option_ids, words in answers)
    return PermissionDecision(permission_id, digest, option_id, text, updated_input, form)
