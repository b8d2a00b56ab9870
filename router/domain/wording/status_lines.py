"""How far a command got: one line for each state, and what a machine says later."""

from router.domain.action import (
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
from router.domain.command import Command, CommandState
from router.domain.control import ControlSignal
from router.domain.errors import Reason
from router.domain.session import Session
from router.domain.wording.controls import CONTROLS
from router.domain.wording.labels import LABELS
from router.domain.wording.reasons import reason_text
from router.domain.wording.starts import CLOSES, KEEPS, PACKS, STARTS, STOPS, TAKES
from router.domain.wording.workspaces import of_workspace

DONE_TOGETHER = "✅ {name} has got this and the {count} before it."
TAKEN_TOGETHER = "↩️ Taken back, this and the {count} before it; none of them was typed."
_VERDICTS = {"allow": "allow", "always": "allow_always", "deny": "deny"}  # by the option ids that agents give
STILL_SEND = (
    "❔ {machine} is back. This waited {age} for {name}; still send it?\n{what}\n"
    "Without an answer it is given up {wait} after it was written."
)
_AWAY = "⏳ Queued{others}: {machine} is away. It waits up to {wait} and goes out on return."
_HELD_OFF = "⛔ Queued{others}: {machine} is held off: {gate}. It waits up to {wait} and goes out once that is mended."
_OTHERS = " with the {count} before it"
_LINES_OF_TEXTS = {
    CommandState.QUEUED: "⏳ Queued for {name}.",
    CommandState.SENT: "📤 On its way to {machine}.",
    CommandState.RECEIVED: "📥 On {machine}, next in line.",
    CommandState.DONE: "✅ Typed into {name}.{output}",
    CommandState.UNCERTAIN: "❓ Perhaps typed into {name}: {why}.",
    CommandState.CANCELLED: "↩️ Taken back; {how}.",
    CommandState.EXPIRED: "⌛ Given up: {why}.",
    CommandState.DEAD: "❌ Given up for {name}: {why}.",
    CommandState.FAILED: "❌ Not typed into {name}: {why}.",
}
_TAKEN = "▶️ {name} is working on it."
_FINISHED = "🏁 {name} has finished it."
_NOT_TAKEN = (
    "⚠️ Typed into {name}, but its program has not taken it. Look at its screen before you send it again.{output}"
)
_DECISIONS = {
    CommandState.DONE: "✅ Your answer reached {name}.",
    CommandState.UNCERTAIN: "❓ Your answer may have reached {name}: {why}.",
    CommandState.CANCELLED: "↩️ Your answer to {name} was taken back; the terminal still asks.",
    CommandState.DEAD: "❌ Your answer did not reach {name}: {why}.",
    CommandState.FAILED: "❌ Your answer did not reach {name}: {why}.",
}
_OF_ACTIONS = {
    PermissionDecision: _DECISIONS,
    StartSession: STARTS,
    StopSession: STOPS,
    KeepSession: KEEPS,
    CloseWorkspace: CLOSES,
    PackWorkspace: PACKS,
    TakeWorkspace: TAKES,
    ControlSignal: CONTROLS,
}
_LINES_OF_ACTIONS = {kind: _LINES_OF_TEXTS | lines for kind, lines in _OF_ACTIONS.items()}
_NOT_TYPED = "it was not typed"
_HOURS, _MINUTES = "{count:.0f} h", "{count:.0f} min"


def status_line(
    command: Command, session: Session | None, *, connected: bool, gate: Reason | None = None, others: int = 0
) -> str:
    """One line on how far a command got. `gate`: why its machine is held off; `others`: told with it."""
    # Behind others on a machine that is there it only takes a moment.
    waits_for_machine = command.state is CommandState.QUEUED and not connected
    lines = _LINES_OF_ACTIONS.get(type(command.action), _LINES_OF_TEXTS)
    waits = _AWAY if gate is None else _HELD_OFF
    return (waits if waits_for_machine else _mark(command) or lines[command.state]).format(
        name=session.name if session else command.session_id,
        machine=command.machine_id,
        wait=span(command.expires_at - command.created_at),
        why=_why(command),
        how=command.detail or _NOT_TYPED,
        output=f"\n{command.detail}" if command.detail else "",
        what=_typed(command),
        gate=reason_text(gate or Reason.UNSPECIFIED),
        others=_OTHERS.format(count=others) if others else "",
    )


_LATE = {
    CommandState.DONE: "the machine says that it was typed after all",
    CommandState.FAILED: "the machine says that it was not typed",
    CommandState.CANCELLED: "the machine has taken it back: it was not typed",
    CommandState.EXPIRED: "the machine let it expire: it was not typed",
    CommandState.UNCERTAIN: "the machine cannot tell whether it was typed",
}


def late(ended: CommandState, said: CommandState) -> str:
    """What a machine's word after the end adds to it; empty where it adds nothing."""
    return "" if said is ended else _LATE.get(said, "")


def still_send(command: Command, session: Session | None, now: float) -> str:
    """The question whether an old command is still meant."""
    return STILL_SEND.format(
        machine=command.machine_id,
        age=span(now - command.created_at),
        name=session.name if session else command.session_id,
        what=quoted(command),
        wait=span(command.expires_at - command.created_at),
    )


def says_all(command: Command) -> bool:
    """Whether a mark on the person's message says as much as the line would."""
    plain = command.reason is Reason.UNSPECIFIED and not command.detail and not isinstance(command.action, StartSession)
    return command.state is CommandState.DONE and plain and not command.names_session


def _mark(command: Command) -> str:
    """The line for what a program did with a text that was typed into it; empty when it has not said."""
    # Only a text is something that a program takes and works on.
    if not isinstance(command.action, Input):
        return ""
    if command.finished_at is not None:
        return _FINISHED
    if command.taken_at is not None:
        return _TAKEN
    return _NOT_TAKEN if command.reason is Reason.NOT_TAKEN else ""


def quoted(command: Command) -> str:
    """The beginning of what a command types, for lists."""
    line = " ".join(_typed(command).split())
    # What fits a line of a phone.
    return line if len(line) <= 60 else line[:59] + "…"


def _typed(command: Command) -> str:
    match command.action:
        case Input(text):
            return text
        case FileInput(name=name, caption=caption):
            return f"📎 {name} {caption}".rstrip()
        case KeyPress(name):
            return f"[{name}]"
        case PermissionDecision(_, _, option_id, text):
            verdict = LABELS.get(_VERDICTS.get(option_id.partition("-")[0], ""), LABELS["answer"])
            return f"{verdict} {text}".rstrip()
        case StartSession(prompt=text):
            return f"🚀 {text}"
        case StopSession():
            return "⏹ End"
        case KeepSession():
            return "♾ Keep"
        case CloseWorkspace() | PackWorkspace() | TakeWorkspace():
            return of_workspace(command.action)
        case ControlSignal():
            return command.action.words


def span(seconds: float) -> str:
    """A length of time."""
    if seconds >= 3600:
        return _HOURS.format(count=seconds / 3600)
    return _MINUTES.format(count=max(1, round(seconds / 60)))


def _why(command: Command) -> str:
    text = reason_text(command.reason)
    return f"{text} ({command.detail})" if command.detail else text
