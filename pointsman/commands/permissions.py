"""Permission questions: what waits for an answer, and the answer."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.commands import completion
from pointsman.context import TAKES_TEXT, SpanParam, client_flags, control, json_flag
from pointsman.errors import ExitCode, Failure
from pointsman.render import Column, plain, shortened, show, show_json, state_word

if TYPE_CHECKING:
    from pointsman.client.control import Control
    from pointsman.client.records import Permission


@click.command()
@client_flags
@json_flag
@click.option("--session", default="", help="Only of this session.", shell_complete=completion.sessions)
@click.option("--all", "closed", is_flag=True, help="Also those that are over.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@click.argument("permission_id", metavar="[ID]", default="")
def permissions(*, permission_id: str, session: str, closed: bool, limit: int, as_json: bool) -> None:
    """List the questions that wait for an answer, newest first.

    With an ID, all that one question is about, and the ways to answer.
    """
    with control() as router:
        if permission_id:
            asked = _find(router, permission_id)
            return show_json(asked) if as_json else _tell(asked)
        of = names.session(router, session) if session else ""
        found = router.permissions(of, limit=limit, closed=closed)
        labels = names.Labels(router, as_json=as_json)
    show(
        found,
        [
            Column("session", lambda p: labels[p.session_id], least=12),
            Column("id", lambda p: p.permission_id, is_id=True),
            Column("state", lambda p: state_word(p.state)),
            Column("asked", lambda p: p.created_at, rank=2),
            Column("tool", lambda p: p.tool, least=8),
            Column("about", lambda p: shortened(p.input), rank=1, least=12),
            Column("answers", lambda p: " ".join(option.option_id for option in p.options), rank=1, least=12),
            Column("by", lambda p: p.decided_by, rank=3, least=8),
        ],
        as_json=as_json,
        nothing="No questions.",
    )
    return None


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@click.argument("permission_id", metavar="ID")
@click.argument("option")
@click.argument("text", default="")
def answer(*, permission_id: str, option: str, text: str, as_json: bool) -> None:
    """Answer a question with one of its options, for example allow, or deny "use the sandbox".

    The first answer counts, from wherever it comes.
    """
    with control() as router:
        # Asked for anew: the answer counts for the question as it stands now, and for no other.
        decided = router.answer(_find(router, permission_id), option, text)
    if as_json:
        show_json(decided)
    else:
        click.echo(f"{decided.permission_id} {state_word(decided.state)}")


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@click.option("--option", "options", multiple=True, help="An answer to choose from; may be repeated, up to 8 times.")
@click.option("--own-words", is_flag=True, help="Take an answer in people's own words beside the options.")
@click.option("--ttl", type=SpanParam(), help="Give up after this: 90s, 30m, 2h, 1d.  [default: 24h]")
@click.argument("session", shell_complete=completion.sessions)
@click.argument("text")
def ask(
    *, session: str, text: str, options: Sequence[str], own_words: bool, ttl: timedelta | None, as_json: bool
) -> None:
    """Ask a session's people TEXT, wait, and print their answer. TEXT - reads standard input.

    Without options they answer in their own words. Exit code 0 only when somebody answered.
    """
    if text == "-":
        text = sys.stdin.read()
    with control() as router:
        given = router.ask(names.session(router, session), text, options, own_words=own_words, ttl=ttl)
    if as_json:
        show_json(given)
    elif given.text:
        click.echo(given.text)
    else:
        click.echo(f"nobody answered: {state_word(given.permission.state)}", err=True)
    if not given.text:
        sys.exit(ExitCode.FAILED)


def _find(router: "Control", permission_id: str) -> "Permission":
    found = router.permissions(permission_id=permission_id)
    if not found:
        raise Failure(f"no question {permission_id!r}", "`pointsman permissions` lists them.", ExitCode.NOT_FOUND)
    return found[0]


def _tell(asked: "Permission") -> None:

    how = ", ".join(part for part in (state_word(asked.state), asked.decided_by, asked.text, asked.detail) if part)
    click.echo(f"{asked.permission_id}: {plain(how)}\n{plain(asked.tool)} in {asked.session_id}")
    # Line by line: it keeps its shape, and loses what would move the cursor and hide a part of it.
    click.echo("\n".join(plain(line) if line else "" for line in asked.input.splitlines()))
    for option in asked.options:
        label = f"  # {plain(option.label)}" if option.label else ""
        click.echo(f"  pointsman answer {asked.permission_id} {option.option_id}{label}")
