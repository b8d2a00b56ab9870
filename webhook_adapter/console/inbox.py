"""The open questions of all sessions, each with what it takes to answer exactly this one."""

from collections.abc import Sequence

from pointsman.client.permission_records import Permission, PermissionOption
from pointsman.client.records import Notification
from webhook_adapter.console import present
from webhook_adapter.console.ports import ConsoleControl

MOST = 100  # more than anybody answers; each has at most some ten KiB


def inbox(ask: ConsoleControl) -> list[present.Json]:
    """Oldest first. One that no message shows yet cannot be answered here, and comes with its message."""
    known = {each.permission_id: each for each in ask.permissions(limit=MOST)}
    notes = _by_question(ask.open_questions("")).values()
    return [question(known.get(note.permission_id), note) for note in sorted(notes, key=present.created)][-MOST:]


def question(asked: Permission | None, note: Notification) -> present.Json:
    """A question, with the message that its buttons belong to; of the words of that alone, where no more is known."""
    if asked is None:
        return present.message(note) | {"session_id": note.session_id}
    known = present.shown(asked)
    known.pop("details")  # what it is about in full; its names do not meet those of the question
    more = present.shown(asked.details)
    words = {"kind": asked.kind.lower(), "state": asked.state.lower(), "options": list(map(_option, asked.options))}
    return known | more | present.message(note) | words


def _option(option: PermissionOption) -> present.Json:
    """Its verdict in small letters, as states are."""
    return present.shown(option) | {"verdict": option.verdict.lower()}


def _by_question(notes: Sequence[Notification]) -> dict[str, Notification]:
    """The message that shows it; where several do, that for the web."""
    ordered = sorted(notes, key=lambda note: note.chat.transport == "web")
    return {note.permission_id: note for note in ordered if note.buttons}
