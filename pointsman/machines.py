"""Machines and API keys: who may connect."""

import re
from datetime import timedelta

import click

from pointsman.context import client_flags, control, json_flag, setting_flags, settings

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class SpanParam(click.ParamType[timedelta]):
    """A span of time: 90s, 30m, 2h, 1d."""

    name = "SPAN"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"(\d{1,6})([smhd])", value)
        if not match or int(match[1]) == 0:
            self.fail(f"{value!r} is no span of time such as 90s, 30m, 2h or 1d", param, ctx)
        return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


@click.command()
@client_flags
@json_flag
def machines(*, as_json: bool) -> None:
    """List the machines."""
    from pointsman.render import show

    with control() as router:
        found = router.machines()
    show(
        found,
        [
            ("id", lambda m: m.machine_id),
            ("connected", lambda m: m.connected),
            ("last heard of", lambda m: m.last_seen_at),
            ("enrolled", lambda m: m.created_at),
            ("version", lambda m: m.agent_version),
            ("trouble", lambda m: "revoked" if m.revoked else "quarantined" if m.quarantined else ""),
        ],
        as_json=as_json,
        nothing="No machines yet. `pointsman machine token` lets one in.",
    )


@click.group()
def machine() -> None:
    """Let machines in, or out."""


@machine.command()
@client_flags
@json_flag
@click.option("--machine", "machine_id", default="", metavar="ID", help="The only name it may be used for.")
@click.option("--ttl", type=SpanParam(), help="How long it is good: 90s, 30m, 2h, 1d.  [default: 1h]")
def token(*, machine_id: str, ttl: timedelta | None, as_json: bool) -> None:
    """Make a join token: good once, for `pointsman enroll` on the new machine."""
    from pointsman.render import show_json

    with control() as router:
        made = router.create_join_token(machine_id, ttl)
    if as_json:
        show_json(made)
    else:
        click.echo(made.join_token)


@machine.command("revoke")
@client_flags
@json_flag
@click.argument("machine_id", metavar="ID")
def revoke_machine(*, machine_id: str, as_json: bool) -> None:
    """End a machine's right to connect, at once."""
    from pointsman.render import show_json

    with control() as router:
        dead = router.revoke_machine(machine_id)
    if as_json:
        show_json({"machineId": machine_id, "deadCommands": dead})
    else:
        click.echo(f"{machine_id} may not connect any more; {dead} commands for it became dead letters")


@click.command()
@setting_flags("POINTSMAN_DATA_DIR", "POINTSMAN_TLS_CA", "POINTSMAN_MACHINE_ID")
@click.argument("router", metavar="ROUTER")
@click.argument("join_token", metavar="TOKEN")
def enroll(*, router: str, join_token: str) -> None:
    """Make this machine known to a router, once.

    ROUTER is its HOST:PORT; TOKEN is what `pointsman machine token` printed there.
    """
    from pointsman.enrolment import enrol_machine

    machine_id = enrol_machine(settings(), router, join_token)
    click.echo(f"{machine_id} is enrolled. Start its agent: pointsman agent")


@click.group()
def apikey() -> None:
    """Keys for people and programs."""


@apikey.command()
@client_flags
@json_flag
@click.option("--label", default="", help="What it is for.")
@click.option(
    "--role",
    default="operator",
    show_default=True,
    type=click.Choice(["admin", "operator", "chat", "viewer"]),
    help="operator: everything but keys and machines; chat: adapters; viewer: reads.",
)
def create(*, label: str, role: str, as_json: bool) -> None:
    """Make a key; its secret is shown once."""
    from pointsman.records import Role
    from pointsman.render import show_json

    with control() as router:
        made = router.create_api_key(label, Role(role))
    if as_json:
        show_json(made)
        return
    click.echo(made.secret)
    click.echo(f"{made.key_id}: role {role}. The secret is not shown again.", err=True)


@apikey.command("list")
@client_flags
@json_flag
def list_keys(*, as_json: bool) -> None:
    """List the keys, without their secrets."""
    from pointsman.render import show

    with control() as router:
        found = router.api_keys()
    show(
        found,
        [
            ("id", lambda k: k.key_id),
            ("role", lambda k: k.role),
            ("label", lambda k: k.label),
            ("made", lambda k: k.created_at),
            ("revoked", lambda k: "revoked" if k.revoked else ""),
        ],
        as_json=as_json,
        nothing="No keys.",
    )


@apikey.command("revoke")
@client_flags
@click.argument("key_id", metavar="ID")
def revoke_key(*, key_id: str) -> None:
    """End a key, at once."""
    with control() as router:
        router.revoke_api_key(key_id)
    click.echo(f"{key_id} is revoked")
