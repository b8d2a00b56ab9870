"""Many at once: shown first, confirmed, and done to exactly what was shown."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.client.records import CommandState
from pointsman.context import client_flags, control, json_flag
from pointsman.errors import ExitCode, Failure
from pointsman.json_records import command_text
from pointsman.render import Column, plain, shortened, show, show_json

if TYPE_CHECKING:
    from pointsman.client.answer_rules import ManyOutcome
    from pointsman.client.control import Control
    from pointsman.client.permission_records import Permission
    from pointsman.client.records import Command

_MOST = 100  # at once, as the router has it
_LIVE = (CommandState.QUEUED, CommandState.SENT, CommandState.RECEIVED)
_DOINGS = ("allow", "deny", "retry", "drop", "cancel")


@dataclass(frozen=True, slots=True)
class Shown:
    """One of them, as it is shown; `seen` binds what is done to it to that."""

    id: str
    seen: str
    session_id: str
    session: str
    machine_id: str
    tool: str
    about: str
    risks: tuple[str, ...] = ()


@click.command()
@client_flags
@json_flag
@click.option(
    "--session", "sessions", multiple=True, metavar="PATTERN", help="Only of sessions of this name or id: api-*."
)
@click.option("--tool", default="*", metavar="PATTERN", help="Only questions about this tool.")
@click.option("--machine", default="*", metavar="PATTERN", help="Only of this machine.")
@click.option("--rule", default="", metavar="PATTERN", help="Only questions that fit this rule for what is risky.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.option("--reason", default="", metavar="TEXT", help="With deny: why.")
@click.argument("doing", type=click.Choice(_DOINGS))
def many(
    *, doing: str, sessions: Sequence[str], tool: str, machine: str, rule: str, yes: bool, reason: str, as_json: bool
) -> None:
    """Allow or deny many questions at once; or retry, drop or cancel many commands.

    Shows which these are, asks, and does it to exactly those: what changed meanwhile is left out, and told. Exit code 1
    where any was.
    """
    from pointsman.client.answer_rules import Doing

    with control() as router:
        fits = _fitting(sessions, tool, machine, rule)
        found = [each for each in _find(router, doing) if fits(each)][:_MOST]
        if not found:
            show(found, _COLUMNS, as_json=as_json, nothing="None fits.")
            return
        if not yes:
            _ask(found, doing)
        # What was on the screen, and nothing that came since.
        outcomes = router.do_to_many(Doing(doing), [(each.id, each.seen) for each in found], reason)
    _tell(found, outcomes, as_json=as_json)
    sys.exit(ExitCode.DONE if all(each.done for each in outcomes) else ExitCode.FAILED)


_COLUMNS: list[Column[Shown]] = [
    Column("session", lambda s: s.session, least=12),
    Column("id", lambda s: s.id, is_id=True),
    Column("tool", lambda s: s.tool, rank=1, least=6),
    Column("about", lambda s: shortened(s.about), least=16),
]


def _fitting(sessions: Sequence[str], tool: str, machine: str, rule: str) -> Callable[[Shown], bool]:
    def fits(each: Shown) -> bool:
        is_named = not sessions or any(
            fnmatchcase(name, pattern) for pattern in sessions for name in (each.session, each.session_id)
        )
        # Patterns as for names: `*` is whatever is risky, and without one nothing needs to be.
        is_risky = not rule or any(fnmatchcase(name, rule) for name in each.risks)
        return is_named and is_risky and fnmatchcase(each.tool, tool) and fnmatchcase(each.machine_id, machine)

    return fits


def _find(router: "Control", doing: str) -> list[Shown]:
    labels = names.Labels(router, as_json=False)
    if doing in ("allow", "deny"):
        there = router.permissions(limit=1000)
        return [_question(each, labels) for each in there if _offers(each, doing)]
    found = router.commands("", _LIVE, 1000) if doing == "cancel" else router.dead_letters().commands
    return [_command(each, labels) for each in found]


def _offers(asked: "Permission", doing: str) -> bool:
    # A plan or a choice of several is read one by one, and so is what the router asks itself.
    is_tool = asked.kind == "TOOL" and bool(asked.machine_id)
    return is_tool and any(option.verdict == doing.upper() for option in asked.options)


def _question(asked: "Permission", labels: names.Labels) -> Shown:
    named = labels[asked.session_id]
    # By its digest: the same question with another input is another question.
    return Shown(
        asked.permission_id, asked.input_digest, asked.session_id, named, asked.machine_id, asked.tool, asked.input,
        asked.risks,
    )  # fmt: skip


def _command(command: "Command", labels: names.Labels) -> Shown:
    named, state = labels[command.session_id], command.state.name
    return Shown(
        command.command_id,
        state,
        command.session_id,
        named,
        command.machine_id,
        "",
        command_text(command) or command.key,
    )


def _ask(found: Sequence[Shown], doing: str) -> None:
    if not sys.stdin.isatty():
        raise Failure("nobody can be asked here", "--yes does it without.", ExitCode.USAGE)
    show(found, _COLUMNS, as_json=False, nothing="")
    click.confirm(f"{doing.capitalize()} these {len(found)}?", abort=True)


def _tell(found: Sequence[Shown], outcomes: "Sequence[ManyOutcome]", *, as_json: bool) -> None:
    if as_json:
        show_json(outcomes)
        return
    # In the order in which they were shown: whoever read the table finds them again.
    known = {each.id: each for each in found}
    for each in outcomes:
        what = known[each.id]
        how = "done" if each.done else f"left out: {plain(each.detail)}"
        click.echo(f"{plain(what.session)}  {plain(shortened(what.about))}  {how}")
    click.echo(f"{sum(each.done for each in outcomes)} of {len(outcomes)} done.", err=True)
