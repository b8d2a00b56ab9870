"""The story of one thing: what it is, every step of it, and what became of it elsewhere."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.client.errors import RouterError
from pointsman.context import client_flags, control, json_flag
from pointsman.json_records import command_text
from pointsman.render import Column, clock, plain, short, shortened, show, state_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pointsman.client.control import Control
    from pointsman.client.records import TraceStep


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that the steps are about; `repeats` is the command that it was made from."""

    identity: str
    noun: str
    session_id: str
    state: str
    text: str
    repeats: str = ""


@click.command()
@client_flags
@json_flag
@click.argument("subject", metavar="ID")
def trace(*, subject: str, as_json: bool) -> None:
    """Show every step of a command, notification or question.

    ID is a command's, a notification's, an update's or a permission question's: what happened, when, why, by whom. A
    command that was retried or redirected is followed into the one that it became.
    """
    with control() as router:
        steps = router.trace(subject)
        about = [] if as_json else _subjects(router, steps)
        labels = names.Labels(router, as_json=as_json)
    for each in about:
        again = f", made from {short(each.repeats)}" if each.repeats else ""
        label = plain(labels[each.session_id])
        click.echo(f"{each.noun} {short(each.identity)}{again}: {label}, {each.state}")
        click.echo(f"  {plain(shortened(each.text, 200))}\n" if each.text else "")

    def move(step: "TraceStep") -> str:
        return " → ".join(state for state in (step.from_state, step.to_state) if state)

    show(
        steps,
        [
            Column("time", lambda s: clock(s.at)),
            Column("event", lambda s: s.event, least=10),
            Column("state", move),
            Column("by", lambda s: s.actor, rank=2, least=8),
            Column("with", lambda s: s.identity, rank=4),
            Column("more", lambda s: s.detail, rank=1, least=16),
            Column("about", lambda s: s.subject_id, rank=1 if len(about) > 1 else 3, is_id=True),
        ],
        as_json=as_json,
        nothing="Nothing is known of it.",
    )


def _subjects(router: "Control", steps: "Sequence[TraceStep]") -> list[Subject]:
    """What the steps are about, as far as the router still has it."""
    found = (_subject(router, identity) for identity in dict.fromkeys(step.subject_id for step in steps))
    return [each for each in found if each is not None]


def _subject(router: "Control", identity: str) -> Subject | None:
    # An id does not say of what it is.
    for look in (_command, _notification, _question):
        try:
            return look(router, identity)
        except RouterError as error:
            if error.status != "NOT_FOUND":
                raise
    return None


def _command(router: "Control", identity: str) -> Subject:

    found = router.command(identity)
    why = f" ({found.reason})" if found.reason else ""
    text = command_text(found) or f"[{found.key}]"
    return Subject(identity, "command", found.session_id, state_word(found.state) + why, text, found.redrive_of)


def _notification(router: "Control", identity: str) -> Subject:

    found = router.notification(identity)
    return Subject(identity, "notification", found.session_id, state_word(found.state), found.text)


def _question(router: "Control", identity: str) -> Subject | None:
    found = router.permissions(permission_id=identity)
    if not found:
        return None
    state = state_word(found[0].state)
    return Subject(identity, "question", found[0].session_id, state, f"{found[0].tool}: {found[0].input}")
