"""Asking a session's people, from any program: the question, their answer, and an exit code for what became of it."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.commands import completion
from pointsman.commands.notifications import files_option, send_files
from pointsman.context import TAKES_TEXT, SpanParam, client_flags, control, json_flag
from pointsman.errors import ExitCode, Failure
from pointsman.render import show_json, state_word

if TYPE_CHECKING:
    from pointsman.client.control import Control
    from pointsman.client.people_records import Answer

_DAY = timedelta(days=1)
_SEVERAL = "More than one may be chosen: reply with them, with commas between."
_NOT_ONE = "{words} is none of them: {offered}."


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@click.option("--option", "options", multiple=True, help="An answer to choose from; may be repeated, up to 8 times.")
@click.option("--no", "noes", multiple=True, help="One more to choose, which is a no: exit code 6. May be repeated.")
@click.option("--several", is_flag=True, help="Let more than one option be chosen; each is printed on a line.")
@click.option("--own-words", is_flag=True, help="Take an answer in people's own words beside the options.")
@click.option(
    "--timeout", "--ttl", "ttl", type=SpanParam(), help="Give up after this: 90s, 30m, 2h, 1d.  [default: 24h]"
)
@files_option
@click.argument("session", shell_complete=completion.sessions)
@click.argument("text")
def ask(
    *,
    session: str,
    text: str,
    options: Sequence[str],
    noes: Sequence[str],
    several: bool,
    own_words: bool,
    ttl: timedelta | None,
    files: Sequence[str],
    as_json: bool,
) -> None:
    """Ask a session's people TEXT, wait, and print their answer. TEXT - reads standard input.

    Without options they answer in their own words, which may have many lines. Exit codes: 0 answered, 6 answered with a
    --no, 7 nobody answered in time, 1 it was over for another reason, such as the end of the session.
    """
    if text == "-":
        text = sys.stdin.read()
    if several and not options:
        raise Failure("--several needs what to choose from", "Give each with --option.", ExitCode.USAGE)
    if files:  # before the question: who is asked has them
        send_files(session, "", files)
    with control() as router:
        of = names.session(router, session)
        if several:
            given, said = _several(router, of, text, options, noes, own_words=own_words, ttl=ttl or _DAY)
        else:
            given = router.ask(of, text, [*options, *noes], own_words=own_words, ttl=ttl)
            said = [given.text] if given.text else []
    if as_json:
        show_json(given)
    elif said:
        click.echo("\n".join(said))
    else:
        click.echo(f"nobody answered: {state_word(given.permission.state)}", err=True)
    sys.exit(_code(given, noes))


def _several(
    router: "Control", session: str, text: str, options: Sequence[str], noes: Sequence[str], *,
    own_words: bool, ttl: timedelta,
) -> "tuple[Answer, list[str]]":  # fmt: skip
    """The answer, and what was chosen; asked again where that is none of what there is."""
    ends, hint = monotonic() + ttl.total_seconds(), ""
    known = {option.casefold(): option for option in (*options, *noes)}
    while True:
        left = timedelta(seconds=max(1.0, ends - monotonic()))
        asked = "\n".join(filter(None, (hint, text, _SEVERAL)))
        given = router.ask(session, asked, [*options, *noes], own_words=True, ttl=left)
        said = [part.strip() for part in given.text.split(",") if part.strip()]
        strange = [part for part in said if part.casefold() not in known]
        if not strange:
            return given, [known[part.casefold()] for part in said]
        if own_words:
            return given, [given.text]
        hint = _NOT_ONE.format(words=", ".join(strange), offered=", ".join(known.values()))


def _code(given: "Answer", noes: Sequence[str]) -> ExitCode:
    if given.text:
        return ExitCode.DENIED if given.text in noes else ExitCode.DONE
    return ExitCode.EXPIRED if state_word(given.permission.state) == "expired" else ExitCode.FAILED
