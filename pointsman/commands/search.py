"""Search over what was said in sessions."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.commands import completion
from pointsman.commands.watch import WHO
from pointsman.context import TAKES_TEXT, client_flags, control, json_flag
from pointsman.render import plain, show_json

if TYPE_CHECKING:
    from pointsman.client.control import Control
    from pointsman.client.search import SearchHit, SnippetPart

_PAGE = 100


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@click.option("--session", default="", shell_complete=completion.sessions, help="Only what was said there.")
@click.option("--limit", default=20, type=click.IntRange(1), metavar="COUNT", help="At most so many, the newest.")
@click.argument("words", nargs=-1, required=True)
def search(*, words: Sequence[str], session: str, limit: int, as_json: bool) -> None:
    """Find what was said in sessions: all of these words, in any order; newest first.

    Each line has the session and the number of the event: `pointsman watch SESSION --after` the number before shows it
    whole, and how it went on.
    """
    with control() as router:
        session_id = names.session(router, session) if session else ""
        hits = list(_found(router, " ".join(words), session_id, limit))
        labels = names.Labels(router, as_json=as_json or not hits)
    if as_json:
        show_json(hits)
    elif not hits:
        click.echo("Nobody said that; what is older than a week is not kept.", err=True)
    for hit in [] if as_json else hits:
        click.echo("  ".join((labels[hit.session_id], str(hit.seq), plain(hit.at), _line(hit))))


def _found(router: "Control", words: str, session_id: str, limit: int) -> "Iterator[SearchHit]":
    """The newest so many; the router looks at a part of what there is at a time."""
    before = 0
    while limit:
        hits, before = router.search(words, session_id, limit=min(limit, _PAGE), before=before)
        yield from hits
        limit -= len(hits)
        if not before:
            return


def _line(hit: "SearchHit") -> str:
    return f"{WHO.get(hit.by, '·')} {''.join(map(_marked, hit.snippet))}"


def _marked(part: "SnippetPart") -> str:
    """As it was said, in a line, with what was searched in bold, or between asterisks where nothing is bold."""
    # Not stripped: the blank before a word that was searched stands at the end of its piece.
    text = "".join(letter if letter.isprintable() else " " for letter in part.text)
    if not part.is_hit:
        return text
    return click.style(text, bold=True) if sys.stdout.isatty() else f"*{text}*"
