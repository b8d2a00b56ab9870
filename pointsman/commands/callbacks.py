"""`pointsman callback`: a token with which a program elsewhere reports to a session, once."""

from datetime import timedelta

import click

from pointsman import names
from pointsman.commands import completion
from pointsman.commands.deferred import is_own
from pointsman.context import SpanParam, client_flags, control, json_flag, settings
from pointsman.render import show_json

_CURL = (
    "curl --fail-with-body -H \"Authorization: Bearer $POINTSMAN_CALLBACK\" -H 'Content-Type: application/json'"
    ' -d \'{{"outcome": "ok", "text": "…"}}\' {base}/callbacks'
)


@click.command()
@client_flags
@json_flag
@click.option("--name", default="", help='What will report, such as "CI of #12".')
@click.option("--ttl", type=SpanParam(), help="How long it is good: 30m, 2h, 7d at most.  [default: 24h]")
@click.argument("session", shell_complete=completion.sessions)
def callback(*, session: str, name: str, ttl: timedelta | None, as_json: bool) -> None:
    """Make a token with which a program elsewhere reports to SESSION, once: a CI job, a container without an agent.

    Its report is typed into the session, and told to those who hear of it. The token is good for that alone, and ends
    with the session.
    """
    from pointsman.commands.console import base_address

    with control(as_session=is_own(session)) as router:
        made = router.create_callback(names.session(router, session), name, ttl)
    if as_json:
        show_json(made)
        return
    # Alone on stdout, for whoever catches it in a variable; and in no command line, which others could list.
    click.echo(made.token)
    curl = _CURL.format(base=base_address(settings()))
    click.echo(f"Good for one report. With the token in POINTSMAN_CALLBACK:\n  {curl}", err=True)
