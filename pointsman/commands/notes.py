"""Notes that are known across sessions: keeping, finding, listing and forgetting them."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.commands import completion
from pointsman.context import TAKES_TEXT, client_flags, control, json_flag
from pointsman.render import Column, plain, shortened, show, show_json, state_word

if TYPE_CHECKING:
    from pointsman.client.control import Control
    from pointsman.client.notes import Note

_SESSION = click.option("--session", default="", shell_complete=completion.sessions, help="The session it is about.")
_NUMBER = click.argument("number", type=click.IntRange(1))


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@_SESSION
@click.option("--only-session", is_flag=True, help="For that session alone, and not for all that work there.")
@click.argument("text")
def remember(*, text: str, session: str, only_session: bool, as_json: bool) -> None:
    """Note TEXT, for the sessions that work where --session does, else for your own key.

    TEXT - reads standard input. Inside of a session, by its worker token: for those that work where it does, once a
    person has pressed Keep. Prints the number for `pointsman forget`.
    """
    from pointsman.client.notes import NoteScope

    with control() as router:
        # By a worker token none need be named: the router knows whose it is, and takes no other.
        session_id = names.session(router, session) if session else ""
        said = sys.stdin.read() if text == "-" else text
        note = router.remember(said, session_id, NoteScope.SESSION if only_session else None)
    if as_json:
        show_json(note)
    else:
        click.echo(f"{note.number}  {state_word(note.state)}  {_where(note)}")


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@_SESSION
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 50), help="At most so many.")
@click.argument("words", nargs=-1, required=True)
def recall(*, words: Sequence[str], session: str, limit: int, as_json: bool) -> None:
    """Find what was noted, by any of these WORDS, the best first.

    With --session: what that session knows. Inside of a session, by its worker token: what it knows itself.
    """
    with control() as router:
        found = router.recall(" ".join(words), _named(router, session), limit=limit)
    _show(found, as_json=as_json, nothing="Nothing was noted with these words.")


@click.command()
@client_flags
@json_flag
@_SESSION
@click.option("--waiting", is_flag=True, help="Only what sessions want known, and nobody has said yes to.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000), help="At most so many.")
@click.option("--keep", "number", default=None, type=click.IntRange(1), metavar="NUMBER", help="Let this one be known.")
def notes(*, session: str, waiting: bool, limit: int, number: int | None, as_json: bool) -> None:
    """List what was noted, the newest first, also what waits for a person."""
    with control() as router:
        if number:
            # Whoever says yes has read it in the list; it is not shown once more.
            router.keep_note(number)
            return
        found = router.notes(_named(router, session), waiting=waiting, limit=limit)
    _show(found, as_json=as_json, nothing="Nothing is noted.")


@click.command()
@client_flags
@_NUMBER
def forget(*, number: int) -> None:
    """Remove note NUMBER and its text for good."""
    # Without asking back: its text is in the list that the number was taken from.
    with control() as router:
        router.forget(number)


def _named(router: "Control", session: str) -> str:
    return names.session(router, session) if session else ""


def _where(note: "Note") -> str:
    return f"{state_word(note.scope)} {plain(note.place)}"


def _show(found: "Sequence[Note]", *, as_json: bool, nothing: str) -> None:
    show(
        found,
        [
            Column("number", lambda n: str(n.number)),
            Column("state", lambda n: state_word(n.state)),
            Column("text", lambda n: shortened(n.text), least=12),
            Column("by", lambda n: n.author, rank=1, least=8),
            Column("where", _where, rank=2, least=8),
            Column("when", lambda n: n.created_at, rank=3),
        ],
        as_json=as_json,
        nothing=nothing,
    )
