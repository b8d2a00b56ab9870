"""API keys: who may call."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.client.records import ApiKey, Role
from pointsman.config import Settings
from pointsman.context import SpanParam, client_flags, control, json_flag, settings
from pointsman.errors import Failure
from pointsman.render import Column, show, show_json
from pointsman.secret_files import KEYS, replace
from pointsman.settings import Source
from pointsman.spelling import Group

if TYPE_CHECKING:
    from pointsman.client.control import Control

_DAY = timedelta(days=1)
_WHAT_TO_ROTATE = (
    "Name one key, or --own for those that `pointsman up` made here. --now goes with one key, and without --overlap: "
    "what runs under `pointsman up` shows the old secrets until it is restarted."
)
_RESTART = (
    "Restart `pointsman up`. Until then its programs show the old secrets, which stay good for that long, and "
    "`pointsman console` opens nothing; after it browsers log in anew."
)


@click.group(cls=Group)
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
    type=click.Choice(["admin", "operator", "approver", "viewer", "chat", "adapter"]),
    help="operator: everything but keys, machines, backups; approver: reads, and answers questions; viewer: reads; "
    "chat: one chat platform; adapter: chats and console.",
)
@click.option("--expires", type=SpanParam(), help="How long it is good: 12h, 90d.  [default: until it is revoked]")
@click.option("--machine", "machines", multiple=True, help="Only for sessions on machines of this pattern: 'build-*'.")
@click.option("--session", "sessions", multiple=True, help="Only for sessions whose label or id fits this pattern.")
def create(
    *,
    label: str,
    role: str,
    expires: timedelta | None,
    machines: tuple[str, ...],
    sessions: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a key; its secret is shown once."""
    with control() as router:
        made = router.create_api_key(label, Role[role.upper()], expires, machines, sessions)
    if as_json:
        show_json(made)
        return
    # Alone on stdout, for whoever catches it in a variable.
    click.echo(made.secret)
    until = f", good until {made.expires_at:%Y-%m-%d %H:%M} UTC" if made.expires_at else ""
    click.echo(f"{made.key_id}: role {role}{until}. The secret is not shown again.", err=True)


@apikey.command("list")
@client_flags
@json_flag
def list_keys(*, as_json: bool) -> None:
    """List the keys, without their secrets."""
    with control() as router:
        found = router.api_keys()
    show(
        found,
        [
            Column("label", lambda k: k.label, least=12),
            Column("id", lambda k: k.key_id, is_id=True),
            Column("role", lambda k: k.role),
            Column("made", lambda k: k.created_at, rank=3),
            Column("last used", lambda k: k.last_used_at, rank=1),
            Column("good until", lambda k: f"{k.expires_at:%Y-%m-%d}" if k.expires_at else "", rank=2),
            Column("old secret", _old_secret, rank=3),
            Column("limited to", lambda k: " ".join(k.machines + k.sessions), rank=2),
            Column("over", _over),
        ],
        as_json=as_json,
        nothing="No keys.",
    )


def _old_secret(key: ApiKey) -> str:
    if not key.old_secret_good:
        return ""
    return f"good until {key.old_secret_until:%Y-%m-%d %H:%M}" if key.old_secret_until else "good: new one is unused"


def _over(key: ApiKey) -> str:
    if key.revoked:
        return "revoked"
    return "expired" if key.expires_at and key.expires_at <= datetime.now(UTC) else ""


@apikey.command()
@client_flags
@json_flag
@click.argument("key_id", metavar="ID", required=False)
@click.option("--own", is_flag=True, help="The keys that `pointsman up` made here, in their files.")
@click.option("--overlap", type=SpanParam(), help="How long the old secret stays good beside the new.  [default: 24h]")
@click.option("--now", "at_once", is_flag=True, help="End the old secret at once, with what it holds open.")
def rotate(*, key_id: str | None, own: bool, overlap: timedelta | None, at_once: bool, as_json: bool) -> None:
    """Give a key another secret, shown once; the old one stays good until the new one has been in use for a day."""
    if own is (key_id is not None) or (at_once and (own or overlap)):
        raise click.UsageError(_WHAT_TO_ROTATE)
    with control() as router:
        if own:
            _rotate_own(settings(), router, overlap)
            return
        made = router.rotate_api_key(names.api_key(router, key_id or ""), timedelta() if at_once else overlap)
    if as_json:
        show_json(made)
        return
    click.echo(made.secret)
    over = "is over" if at_once else f"stays good until {overlap or _DAY} after this one was first used"
    click.echo(f"{made.key_id}: the secret before {over}. This one is not shown again.", err=True)


def _rotate_own(here: Settings, router: "Control", overlap: timedelta | None) -> None:
    """Tell what became of each. Raises Failure, and RouterError."""
    mine = [name for name in sorted(KEYS) if here.values[name].source is Source.GENERATED]
    for name in set(KEYS) - set(mine):
        if here[name]:
            cure = "`pointsman apikey rotate ID` makes another secret, to be put there"
            click.echo(f"{name} comes from {here.where(name)}: {cure}", err=True)
    if not mine:
        raise Failure(f"`pointsman up` made no key in {here.data_dir}", "POINTSMAN_DATA_DIR says where it did.")
    for name in mine:
        value = here.values[name]
        # The router first. Whoever is interrupted here has the old one, which is good, and asks again.
        made = router.rotate_api_key("", overlap, sha256(value.text.encode()).digest())
        click.echo(f"{made.key_id} has a new secret, in {replace(here, name, made.secret)}")
    click.echo(_RESTART)


@apikey.command("revoke")
@client_flags
@click.argument("key_id", metavar="ID")
def revoke_key(*, key_id: str) -> None:
    """End a key, at once."""
    with control() as router:
        key_id = names.api_key(router, key_id)  # exactly one: what is ended here does not come back
        router.revoke_api_key(key_id)
    click.echo(f"{key_id} is revoked")
