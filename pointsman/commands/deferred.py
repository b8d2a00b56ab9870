"""What is to be done later: asking for it, seeing it, changing it."""

import sys
from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.commands import completion
from pointsman.config import SESSION_VARIABLES
from pointsman.context import TAKES_TEXT, client_flags, control, json_flag, settings, speaks_as_session
from pointsman.errors import ExitCode, Failure
from pointsman.render import Column, plain, shortened, show, show_json, state_word

if TYPE_CHECKING:
    from pointsman.client.control import Control
    from pointsman.client.deferred import Deferred

_ZONE = click.option("--zone", default="", metavar="ZONE", help="Time zone: Europe/Berlin.  [default: the router's]")


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@_ZONE
@click.argument("session", shell_complete=completion.sessions)
@click.argument("when")
@click.argument("text")
def later(*, session: str, when: str, text: str, zone: str, as_json: bool) -> None:
    """Type TEXT into a session WHEN it is time.

    WHEN is "in 10m", "tomorrow 9:00", "fri 18:00", "on return" or "on rest". TEXT - reads standard input. Prints the
    moment, and the id for `pointsman scheduled`.
    """
    from pointsman.client.deferred import DeferredTask

    with control(as_session=is_own(session)) as router:
        session_id = names.session(router, session)
        _tell(router.defer(when, _read(text), DeferredTask.TEXT, session_id, zone=zone), as_json=as_json)


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@_ZONE
@click.option("--session", default="", shell_complete=completion.sessions, help="The session that it is about.")
@click.argument("when")
@click.argument("text")
def remind(*, when: str, text: str, session: str, zone: str, as_json: bool) -> None:
    """Remind people of TEXT, WHEN it is time.

    They are told in all chats that want messages, or that hear of the session. TEXT - reads standard input.
    """
    from pointsman.client.deferred import DeferredTask

    with control(as_session=is_own(session)) as router:
        session_id = names.session(router, session) if session else ""
        _tell(router.defer(when, _read(text), DeferredTask.REMINDER, session_id, zone=zone), as_json=as_json)


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@_ZONE
@click.option("--session", default="", shell_complete=completion.sessions, help="Type it into this session.")
@click.option("--machine", default="", metavar="ID", shell_complete=completion.machines, help="Start it there.")
@click.option("--folder", default="", metavar="FOLDER", help="A folder that may be used there, or one below it.")
@click.argument("rule")
@click.argument("text")
def every(*, rule: str, text: str, session: str, machine: str, folder: str, zone: str, as_json: bool) -> None:
    """Do it again and again: type TEXT into a session, or start one with it.

    RULE is "2h", "day 9:00", "weekday 9:00", "mon,thu 8:00" or "cron 0 9 * * 1-5". TEXT - reads standard input.
    """
    from pointsman.client.deferred import DeferredTask

    if session and (machine or folder):
        raise Failure("--session types into one that is there, --machine and --folder start one", "Give one of them.")
    # Whoever copies a rule from `pointsman scheduled` has the word in it.
    when = rule if rule.startswith("every ") else f"every {rule}"
    with control() as router:
        session_id = names.session(router, session) if session else ""
        task = DeferredTask.TEXT if session_id else DeferredTask.START
        machine_id = names.machine(router, machine) if machine else ""
        kept = router.defer(
            when, _read(text), task, session_id, machine_id=machine_id, folder=folder, zone=zone
        )  # fmt: skip
    _tell(kept, as_json=as_json)


@click.command()
@client_flags
@json_flag
@_ZONE
@click.option("--session", default="", shell_complete=completion.sessions, help="Only for this session.")
@click.option("--all", "over", is_flag=True, help="Also what is over.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@click.option("--cancel", "change", flag_value="CANCEL", help="Take the one with this ID back, for good.")
@click.option("--pause", "change", flag_value="PAUSE", help="Let it wait until it is resumed.")
@click.option("--resume", "change", flag_value="RESUME", help="Let it go on.")
@click.option("--now", "change", flag_value="NOW", help="Do it now; what repeats keeps its next moment.")
@click.option("--move", default="", metavar="WHEN", help='Give it another time: "fri 18:00", "every day 9:00".')
@click.argument("deferred_id", metavar="[ID]", default="")
def scheduled(
    *, deferred_id: str, change: str | None, move: str, session: str, over: bool, limit: int, zone: str, as_json: bool
) -> None:
    """List what is to be done later, the next first; with an ID and an option, change it."""
    if (change or move) and not deferred_id:
        raise Failure("which one?", "Name it by its id: `pointsman scheduled` lists them.", ExitCode.USAGE)
    with control() as router:
        if deferred_id:
            return _tell(_changed(router, deferred_id, change or "", move, zone), as_json=as_json)
        # What runs in a session sees what that wants, and no more.
        session = session or (settings().environ.get(SESSION_VARIABLES[0], "") if settings().shows_token else "")
        of = names.session(router, session) if session else ""
        found = router.deferred(of, include_over=over, limit=limit)
        labels = names.Labels(router, as_json=as_json or not found)
    show(
        found,
        [
            Column("id", lambda d: d.deferred_id, is_id=True),
            Column("state", lambda d: state_word(d.state)),
            Column("next", lambda d: d.next_at),
            Column("when", lambda d: d.when, rank=1, least=12),
            Column("for", lambda d: labels[d.session_id] if d.session_id else d.machine_id or "people", least=8),
            Column("what", lambda d: state_word(d.task), rank=2),
            Column("text", lambda d: shortened(d.text), rank=1, least=12),
            Column("done", lambda d: str(d.occurrence), rank=3),
        ],
        as_json=as_json,
        nothing="Nothing is to be done later.",
    )
    return None


def _changed(router: "Control", deferred_id: str, change: str, move: str, zone: str) -> "Deferred":
    from pointsman.client.deferred import DeferredChange

    if move:
        return router.change_deferred(deferred_id, DeferredChange.MOVE, move, zone)
    if change == "CANCEL":
        return router.cancel_deferred(deferred_id)
    if change:
        return router.change_deferred(deferred_id, DeferredChange[change])
    # No call asks for one alone; what still waits comes first, so it is among these.
    found = [each for each in router.deferred(include_over=True, limit=1000) if each.deferred_id == deferred_id]
    if not found:
        raise Failure(f"nothing {deferred_id!r}", "`pointsman scheduled --all` lists them.", ExitCode.NOT_FOUND)
    return found[0]


def is_own(session: str) -> bool:
    """Whether a session is meant by what runs in it: then it is the session that wants it."""
    # By its whole id alone, which what runs there has: a name may be another's by now.
    return speaks_as_session() and session == settings().environ.get(SESSION_VARIABLES[0], "")


def _read(text: str) -> str:
    return sys.stdin.read() if text == "-" else text


def _tell(kept: "Deferred", *, as_json: bool) -> None:
    if as_json:
        show_json(kept)
        return
    moment = f"  {plain(kept.next_at)} ({kept.zone})" if kept.next_at else ""
    detail = f"  {plain(kept.detail)}" if kept.detail else ""
    click.echo(f"{kept.deferred_id}  {state_word(kept.state)}  {plain(kept.when)}{moment}{detail}")
