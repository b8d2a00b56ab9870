"""Machines: which may connect."""

import sys
from dataclasses import replace
from datetime import timedelta

import click

from pointsman import names
from pointsman.client.gates import ProgramVersion
from pointsman.client.records import Machine
from pointsman.commands import completion
from pointsman.context import CLIENT_TLS, SpanParam, client_flags, control, json_flag, setting_flags, settings
from pointsman.render import Column, counted, show, show_json, state_word
from pointsman.spelling import Group

_READ = "-"
_FOR_A_KEY = 35.0  # seconds; the agent itself waits for the router for 30


@click.command()
@client_flags
@json_flag
def machines(*, as_json: bool) -> None:
    """List the machines."""
    with control() as router:
        found = router.machines()
    show(
        found,
        [
            Column("id", lambda m: m.machine_id, least=16),
            Column("connected", lambda m: m.connected),
            Column("last heard of", lambda m: m.last_seen_at, rank=1),
            Column("enrolled", lambda m: m.created_at, rank=3),
            Column("key made", lambda m: m.key_made_at, rank=3),
            Column("version", lambda m: m.agent_version, rank=2, least=8),
            Column("coding agents", _agents, rank=2, least=12),
            Column("trouble", _trouble),
        ],
        as_json=as_json,
        nothing="No machines yet. `pointsman machine token` lets one in.",
    )


def _agents(machine: Machine) -> str:
    return ", ".join(_agent(program) for program in machine.programs)


def _agent(program: ProgramVersion) -> str:
    trouble = program.lacks or ("no login found" if program.login == "NO" else "")
    return f"{program.name} {program.version}".rstrip() + (f" ({trouble})" if trouble else "")


def _trouble(machine: Machine) -> str:
    if machine.revoked:
        return "revoked"
    return "quarantined" if machine.quarantined else ", ".join(state_word(gate.reason) for gate in machine.closed_gates)


@click.group(cls=Group)
def machine() -> None:
    """Let machines in, or out."""


@machine.command()
@client_flags
@json_flag
@click.option("--machine", "machine_id", default="", metavar="ID", help="The only name it may be used for.")
@click.option("--ttl", type=SpanParam(), help="How long it is good: 90s, 30m, 2h, 1d.  [default: 1h]")
def token(*, machine_id: str, ttl: timedelta | None, as_json: bool) -> None:
    """Make a join token: good once, for `pointsman enroll` on the new machine."""
    with control() as router:
        made = router.create_join_token(machine_id, ttl)
    if as_json:
        show_json(made)
    else:
        # Alone on stdout, for whoever catches it in a variable.
        click.echo(made.join_token)
        click.echo(f"{made.token_id}: `pointsman machine revoke-token {made.token_id}` ends it.", err=True)


@machine.command()
@client_flags
@json_flag
@click.option("--all", "include_over", is_flag=True, help="Also those that were used, revoked, or whose time is over.")
def tokens(*, include_over: bool, as_json: bool) -> None:
    """List the join tokens that would let a machine in, without their secrets."""
    with control() as router:
        found = router.join_tokens(include_over=include_over)
    show(
        found,
        [
            Column("id", lambda t: t.token_id, is_id=True),
            Column("for", lambda t: t.machine_id or "any name", least=12),
            Column("made by", lambda t: t.created_by, least=8),
            Column("made", lambda t: t.created_at, rank=2),
            Column("expires", lambda t: t.expires_at, rank=1),
            Column("used by", lambda t: "revoked" if t.revoked else t.used_by, least=8),
        ],
        as_json=as_json,
        nothing="No open join tokens. `pointsman machine token` makes one.",
    )


@machine.command("revoke-token")
@client_flags
@json_flag
@click.argument("token_id", metavar="ID")
def revoke_token(*, token_id: str, as_json: bool) -> None:
    """End a join token that nobody has used, at once."""
    with control() as router:
        token_id = names.join_token(router, token_id)
        router.revoke_join_token(token_id)
    if as_json:
        show_json({"tokenId": token_id})
    else:
        click.echo(f"{token_id} lets nobody in any more")


@machine.command("revoke")
@client_flags
@json_flag
@click.argument("machine_id", metavar="ID", shell_complete=completion.machines)
def revoke_machine(*, machine_id: str, as_json: bool) -> None:
    """End a machine's right to connect, at once."""
    with control() as router:
        machine_id = names.machine(router, machine_id)
        dead = router.revoke_machine(machine_id)
    if as_json:
        show_json({"machineId": machine_id, "deadCommands": dead})
    else:
        click.echo(f"{machine_id} may not connect any more; now dead letters: {counted(dead, 'command')}")


@machine.command()
@client_flags
@json_flag
@click.argument("machine_id", metavar="[ID]", default="", shell_complete=completion.machines)
def rotate(*, machine_id: str, as_json: bool) -> None:
    """Give a machine another key, which the router takes in the place of the one it has.

    Without an ID it is this machine, whose agent must be connected. Another one is asked for it, when it next connects
    where it is away.
    """
    if not machine_id:
        from pointsman.local import ask

        answer = ask(settings(), {"op": "rotate_key"}, patience=_FOR_A_KEY)
        machine_id, said = answer["machine_id"], "has a new key, and the old one is over"
    else:
        with control() as router:
            machine_id = names.machine(router, machine_id)
            asked = router.rotate_machine_key(machine_id)
        said = f"is asked for a new key{'' if asked.connected else ' when it connects'}"
    if as_json:
        show_json({"machineId": machine_id})
    else:
        click.echo(f"{machine_id} {said}")


@machine.command("policy")
@client_flags
@json_flag
@click.argument("machine_id", metavar="ID", shell_complete=completion.machines)
@click.option("--starts", type=click.Choice(["yes", "no"]), help="Whether sessions may be started there from afar.")
@click.option("--folder", "folders", multiple=True, help="Only in and below it; again for more, '' for any.")
@click.option("--program", "programs", multiple=True, help="Only this program; again for more, '' for any.")
@click.option("--hours", help="Only from when to when, by the router's clock: 8-18, '' for always.")
def set_policy(
    *,
    machine_id: str,
    starts: str | None,
    folders: tuple[str, ...],
    programs: tuple[str, ...],
    hours: str | None,
    as_json: bool,
) -> None:
    """Say what may be started on a machine from afar, or show it.

    What is not named stays as it is. The machine itself may allow less.
    """
    given = {
        "no_starts": None if starts is None else starts == "no",
        "folders": tuple(filter(None, folders)) if folders else None,
        "programs": tuple(filter(None, programs)) if programs else None,
        "hours": hours,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    with control() as router:
        machine_id = names.machine(router, machine_id)
        found = next(each for each in router.machines() if each.machine_id == machine_id)
        if changes:
            found = router.set_machine_policy(machine_id, replace(found.policy, **changes))  # type: ignore[arg-type]
    if as_json:
        show_json(found.policy)
        return
    policy = found.policy
    click.echo(f"starts    {'no' if policy.no_starts else 'yes'}")
    click.echo(f"folders   {', '.join(policy.folders) or 'any that the machine allows'}")
    click.echo(f"programs  {', '.join(policy.programs) or 'any'}")
    click.echo(f"hours     {policy.hours or 'always'}")


@click.command()
@setting_flags("POINTSMAN_DATA_DIR", *CLIENT_TLS, "POINTSMAN_MACHINE_ID")
@click.argument("router", metavar="ROUTER")
@click.argument("join_token", metavar="TOKEN")
def enroll(*, router: str, join_token: str) -> None:
    """Make this machine known to a router, once.

    ROUTER is its HOST:PORT, or unix:PATH; TOKEN is what `pointsman machine token` printed there, - to read it here.
    """
    from pointsman.enrolment import enrol_machine

    # This secret may stand on a command line, as it is good once, and soon not at all; programs have a better place.
    said = sys.stdin.readline(1024).strip() if join_token == _READ else join_token
    machine_id = enrol_machine(settings(), router, said)
    click.echo(f"{machine_id} is enrolled. Start its agent: pointsman agent")
