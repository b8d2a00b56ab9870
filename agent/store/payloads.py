"""What the router has to learn, as the columns `kind` and `payload` (JSON) of the outbox.

Rows outlive an update of the agent: what an earlier version wrote must still be read.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace
from typing import Any

from agent.domain.command import Ending, Outcome, Reason
from agent.domain.control import ControlKind
from agent.domain.frames import (
    Button,
    CommandMark,
    CommandResult,
    Item,
    Mark,
    NotificationFile,
    Notify,
    PermissionAsked,
    PermissionOver,
    SessionChanged,
    SessionGone,
)
from agent.domain.permission import Details, FormOption, FormQuestion, Kind, Option, Over, Question, Verdict
from agent.domain.proposal import Proposal
from agent.domain.session import Session, SessionState
from agent.domain.workspace import KnownWorkspace, Look, Workspace, WorkspaceChanged, WorkspaceState

_FIGURES = 3  # of a workspace, behind what a look found: bytes, path, detail
_PLAIN = 3  # of what a message says about itself: how it is written, whether a turn is over, what it took


def encoded(item: Item) -> tuple[str, str]:
    """The columns of an item."""
    kind, fields = _fields(item)
    return kind, json.dumps(fields)


def decoded(kind: str, payload: str) -> Item:
    """The item in these columns."""
    return _DECODERS[kind](*json.loads(payload))  # by position, so that what an earlier version wrote is still read


def _fields(item: Item) -> tuple[str, list[object]]:
    match item:
        case CommandResult(command_id, outcome, typed_at):
            return "result", [command_id, outcome.ending.value, outcome.reason.value, outcome.detail, typed_at]
        case CommandMark(command_id, mark, shown):
            return "mark", [command_id, mark.value, shown]
        case SessionChanged(told):
            fields = [told.session_id, told.generation, told.label, told.backend, told.cwd]
            works = [told.mode, told.model, told.modes, [kind.value for kind in told.controls]]
            return "session_update", [*fields, told.state.value, told.waiting_for, *works, told.limited_until]
        case SessionGone():
            return "session_closed", [*astuple(item)]
        case Notify(notification_id, session_id, text, buttons, files, is_markdown, ends_turn, tokens, proposal):
            # No more than it needs: earlier versions, which knew less, wrote and read it so.
            few = [notification_id, session_id, text, [astuple(one) for one in buttons]]
            more = [tokens, astuple(proposal)] if proposal else [tokens] if tokens else []
            said = [is_markdown, ends_turn, *more] if is_markdown or ends_turn or more else []
            return "notify", few + ([[astuple(one) for one in files], *said] if files or said else [])
        case PermissionAsked(asked):
            options = [[*astuple(one)[:2], one.verdict.value, one.takes_text, one.meaning] for one in asked.options]
            head = [asked.permission_id, asked.session_id, asked.kind.value, asked.tool, asked.input]
            return "permission_request", [*head, asked.input_digest, options, asked.wait, astuple(asked.details)]
        case PermissionOver(permission_id, over, detail):
            return "permission_withdrawn", [permission_id, over.value, detail]
        case WorkspaceChanged(known, digest, size):
            what, look = known.workspace, known.look
            figures = [look.head, look.is_dirty, look.unpushed, known.bytes, known.path, known.detail]
            carried = [digest, size] if digest else []  # earlier versions wrote and read no more
            return "workspace_update", [what.key, what.repository, known.state.value, *figures, *carried]


def _result(command_id: str, ending: str, reason: str, detail: str, typed_at: float | None) -> Item:
    return CommandResult(command_id, Outcome(Ending(ending), Reason(reason), detail), typed_at)


def _session(session_id: str, generation: int, label: str, backend: str, cwd: str, state: str, *more: Any) -> Item:  # noqa: ANN401 -- as JSON has them
    waiting_for, *works = more or ("",)  # earlier versions wrote neither this nor what follows
    told = Session(session_id, backend, label, cwd, generation, SessionState(state), waiting_for=waiting_for)
    if works:
        mode, model, modes, controls, *limit = works
        kinds = tuple(map(ControlKind, controls))
        told = replace(
            told, mode=mode, model=model, modes=tuple(modes), controls=kinds, limited_until=limit[0] if limit else 0.0
        )
    return SessionChanged(told)


def _notification(
    notification_id: str,
    session_id: str,
    text: str,
    buttons: list[Any],
    files: Sequence[Any] = (),
    *said: Any,  # noqa: ANN401 -- as JSON has them
) -> Item:
    offered, sent = tuple(Button(*one) for one in buttons), tuple(NotificationFile(*one) for one in files)
    plain, proposed = said[:_PLAIN], [Proposal(*one) for one in said[_PLAIN:]]
    notify = Notify(notification_id, session_id, text, offered, sent, *plain)
    return replace(notify, proposal=proposed[0]) if proposed else notify


def _asked(permission_id: str, session_id: str, kind: str, *rest: Any) -> Item:  # noqa: ANN401 -- as JSON has them
    tool, words, input_digest, options, wait, *details = rest  # earlier versions wrote no details, and no meaning
    offered = tuple(Option(one, label, Verdict(verdict), *more) for one, label, verdict, *more in options)
    asked = Question(permission_id, session_id, Kind(kind), tool, words, input_digest, offered, wait)
    return PermissionAsked(replace(asked, details=_details(*details[0])) if details else asked)


def _details(*fields: Any) -> Details:  # noqa: ANN401 -- as JSON has them
    *rest, form = fields
    asked = [
        FormQuestion(text, header, multi_select, tuple(FormOption(*one) for one in options))
        for text, header, multi_select, options in form
    ]
    details = Details(*rest)
    return replace(details, form=tuple(asked))


def _workspace(
    key: str, repository: str, state: str, head: str, is_dirty: bool, unpushed: int, *more: Any  # noqa: ANN401, FBT001 -- as JSON has them
) -> Item:  # fmt: skip
    look, figures, carried = Look(head, is_dirty, unpushed), more[:_FIGURES], more[_FIGURES:]
    known = KnownWorkspace(Workspace(key, repository), WorkspaceState(state), look, *figures)
    return WorkspaceChanged(known, *carried)


_DECODERS: dict[str, Callable[..., Item]] = {
    "result": _result,
    "mark": lambda command_id, mark, shown: CommandMark(command_id, Mark(mark), shown),
    "session_update": _session,
    "session_closed": SessionGone,
    "notify": _notification,
    "permission_request": _asked,
    "workspace_update": _workspace,
    "permission_withdrawn": lambda permission_id, over, detail: PermissionOver(permission_id, Over(over), detail),
}
