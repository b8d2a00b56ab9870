"""What sessions say to each other: said from inside of one, listed, and let or forbidden by people."""

from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.commands import completion
from pointsman.context import client_flags, control, json_flag
from pointsman.errors import ExitCode, Failure
from pointsman.render import Column, plain, shortened, show, show_json, state_word, told

if TYPE_CHECKING:
    from pointsman.client.control import Control
    from pointsman.client.records import Session
    from pointsman.client.session_messages import SessionMessage

_ASKED = "The people of that session are asked first whether it may be; then it goes out by itself."


def to_own(router: "Control", name: str) -> "Session | None":
    """The session itself, where somebody in it means that one."""
    from router.domain.naming import Named, fitting

    own = router.sessions()  # all that the router shows to what runs in one
    # Nobody else's name fits here: what is not its own goes to the router as it is.
    found = fitting(name, [Named(each.session_id, each.label, each.machine_id) for each in own])
    return own[0] if own and found else None


def tell(message: "SessionMessage", *, as_json: bool) -> None:
    if as_json:
        show_json(message)
        return
    click.echo(f"{told(message.message_id)} {state_word(message.state)}")
    # Whoever waits for an answer has to know that nothing was typed yet.
    if state_word(message.state) == "waiting":
        click.echo(_ASKED, err=True)


@click.command()
@client_flags
@json_flag
@click.option("--session", default="", help="Only from or to this session.", shell_complete=completion.sessions)
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
def messages(*, session: str, limit: int, as_json: bool) -> None:
    """List what sessions said to each other, newest first."""
    with control() as router:
        of = names.session(router, session) if session else ""
        found = router.session_messages(of, limit)
        # Ended ones have names, too: a message outlives its session.
        labels = names.Labels(router, as_json=as_json or not found)
    show(
        found,
        [
            Column("id", lambda m: m.message_id, is_id=True),
            Column("state", lambda m: state_word(m.state)),
            Column("said", lambda m: m.created_at, rank=2),
            Column("from", lambda m: labels[m.from_session_id], least=8),
            Column("to", lambda m: labels[m.to_session_id], least=8),
            Column("hops", lambda m: str(m.hops), rank=3),
            Column("text", lambda m: shortened(m.text), rank=1, least=12),
            Column("detail", lambda m: m.detail, rank=2, least=12),
        ],
        as_json=as_json,
        nothing="No session has said anything to another.",
    )


@click.command()
@client_flags
@json_flag
@click.option("--all", "over", is_flag=True, help="Also those that are over.")
@click.option("--end", is_flag=True, help="Take the one with this ID back: the next message asks anew.")
@click.argument("consent_id", metavar="[ID]", default="")
def consents(*, consent_id: str, over: bool, end: bool, as_json: bool) -> None:
    """List which sessions may send to which, as people said; with an ID and --end, take one back."""
    if end != bool(consent_id):
        raise Failure("--end and an ID go together", "`pointsman consents` lists the ids.", ExitCode.USAGE)
    with control() as router:
        # By its whole id: to end the wrong one would go unnoticed until somebody is asked again.
        if end:
            ended = router.end_consent(consent_id)
            return show_json(ended) if as_json else click.echo(f"{ended.consent_id} {plain(ended.state)}")
        found = router.consents(include_over=over)
        labels = names.Labels(router, as_json=as_json or not found)
    show(
        found,
        [
            Column("id", lambda c: c.consent_id),
            Column("state", lambda c: state_word(c.state)),
            Column("from", lambda c: labels[c.from_session_id], least=8),
            Column("to", lambda c: labels[c.to_session_id], least=8),
            Column("machines", lambda c: f"{c.from_machine_id} → {c.to_machine_id}", rank=1),
            Column("by", lambda c: c.decided_by, rank=2, least=8),
            Column("asked", lambda c: c.created_at, rank=3),
        ],
        as_json=as_json,
        nothing="People were asked about no sessions.",
    )
    return None
