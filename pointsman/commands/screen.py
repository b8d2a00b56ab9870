"""A look at the terminal of a session, from afar."""

import click

from pointsman import names
from pointsman.commands import completion
from pointsman.context import client_flags, control, json_flag
from pointsman.render import coloured, show_json


@click.command()
@client_flags
@json_flag
@click.argument("session", shell_complete=completion.sessions)
def screen(*, session: str, as_json: bool) -> None:
    """Show what the terminal of a session shows now.

    Its machine is asked, and answers within seconds; colours are for terminals. Sessions in tmux and in
    Neovim have such a screen.
    """
    with control() as router:
        text = router.screen(names.session(router, session))
    if as_json:
        show_json({"text": text})
    else:
        click.echo(coloured(text))  # which leaves the colours out where no terminal reads them
