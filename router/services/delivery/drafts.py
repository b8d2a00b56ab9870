"""Commands that are not accepted yet, and what may be."""

from msgspec import Struct
from msgspec.structs import replace

from router.domain.action import OF_WORKSPACES, Action, FileInput, Input, StartSession, lane_of, text_of
from router.domain.command import (
    MAX_AGE,
    MAX_LIVE_PER_MACHINE,
    MAX_LIVE_PER_SESSION,
    MAX_TEXT_BYTES,
    Command,
    Origin,
)
from router.domain.errors import Reason, Refusal
from router.domain.session_message import MARK, unmarked
from router.store import sessions
from router.store.database import Transaction


class Draft(Struct, frozen=True):
    """A command that is not accepted yet. `ttl` in seconds; None means a day, and then a dead letter."""

    session_id: str
    action: Action
    origin: Origin
    ttl: float | None = None
    redrive_of: str = ""
    note: str = ""  # for the trace: the update key
    names_session: bool = False
    hops: int | None = 0  # sessions that passed a text on without a word of a person; None: as many as before
    is_headed: bool = False  # the text begins with our own line, which says whose words they are


def queued(tx: Transaction, draft: Draft, command_id: str, now: float) -> Command:
    """The command of a draft, last in its session's order. Raises Refusal, having written nothing, when it may not be.

    What sessions pass on is counted, and begins anew where a person says something.
    """
    text = _checked_text(draft.action)
    action = draft.action if draft.is_headed or MARK not in text else _unmarked(draft.action)
    slot = sessions.slot(tx, draft.session_id, also_ended=type(action) in OF_WORKSPACES)
    of_machine = sessions.live_of_machine(tx, slot.machine_id)
    if slot.live >= MAX_LIVE_PER_SESSION or of_machine >= MAX_LIVE_PER_MACHINE:
        raise Refusal(Reason.QUEUE_FULL, _queue_full(slot, of_machine), retry_after=30.0)
    if draft.hops is not None and draft.hops != slot.hops and isinstance(action, Input | FileInput | StartSession):
        sessions.set_hops(tx, slot, draft.hops)
    # has_ttl below tells the two apart: the sender's limit expires, ours makes a dead letter.
    ttl = MAX_AGE if draft.ttl is None else draft.ttl
    return Command(
        command_id, slot.session_id, slot.machine_id, slot.generation, slot.next_sequence,
        lane_of(action), action, draft.origin, now, now + ttl, draft.ttl is not None,
        redrive_of=draft.redrive_of, names_session=draft.names_session,
    )  # fmt: skip


def _unmarked(action: Action) -> Action:
    """Whoever writes: no line of theirs passes for ours."""
    match action:
        case Input(text=text) if (plain := unmarked(text)) != text:
            return replace(action, text=plain)
        case FileInput(caption=text) if (plain := unmarked(text)) != text:
            return replace(action, caption=plain)
        case StartSession(prompt=text) if (plain := unmarked(text)) != text:
            return replace(action, prompt=plain)
    return action


def _checked_text(action: Action) -> str:
    size = len((text := text_of(action)).encode())
    if size > MAX_TEXT_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"The text has {size} bytes; the limit is {MAX_TEXT_BYTES}. Send it in parts.")
    return text


def _queue_full(slot: sessions.Slot, of_machine: int) -> str:
    if slot.live >= MAX_LIVE_PER_SESSION:
        return f"{slot.live} commands already wait for this session. Let it catch up, or cancel some."
    return f"{of_machine} commands already wait for machine {slot.machine_id}. Let it catch up, or cancel some."
