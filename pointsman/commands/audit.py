"""`pointsman audit`: who was let in and who changed what anybody may do, and whether that is as it was written."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pointsman.context import SpanParam, client_flags, control, json_flag
from pointsman.errors import Failure
from pointsman.render import Column, show, show_json

if TYPE_CHECKING:
    from pointsman.client.audit import AuditCheck, AuditEntry

_HEAD = re.compile(r"\d{1,15}:[0-9a-f]{64}")
_RECENT = timedelta(days=7)


def _head(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if value and not _HEAD.fullmatch(value):
        raise click.BadParameter("is no head such as `pointsman audit` prints: a number, a colon, 64 hex digits")
    return value


@click.command()
@client_flags
@json_flag
@click.option("--since", type=SpanParam(), default=_RECENT, help="How far back: 12h, 30d.  [default: 7d]")
@click.option("--verify", is_flag=True, help="Compute the chain of hashes anew; fails where it does not fit.")
@click.option("--noted", callback=_head, default="", metavar="HEAD", help="Verify that this earlier head is in it.")
@click.option(
    "--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Verify a backup, without a router."
)
def audit(*, since: timedelta, verify: bool, noted: str, file: Path | None, as_json: bool) -> None:
    """Who was let in, and who changed what anybody may do.

    Each entry holds the hash of the one before it. What was changed, removed or put in later is found by --verify; what
    was cut off at the newest end, or written anew to its end, only by a head that you noted elsewhere: see --noted.
    """
    if file:
        _tell(_of_file(file, noted), as_json=as_json)
        return
    with control() as router:
        if verify or noted:
            _tell(router.verify_audit(noted), as_json=as_json)
            return
        entries, head = list(router.audit(datetime.now(UTC) - since)), router.audit_head()
    show(entries, _COLUMNS, as_json=as_json, nothing="Nothing was changed, and nobody refused.")
    if not as_json:
        click.echo(f"\nhead {head}")


def _who(entry: "AuditEntry") -> str:
    name = entry.identity or entry.kind
    return f"{entry.label} ({name})" if entry.label else name


_COLUMNS: "list[Column[AuditEntry]]" = [
    Column("time", lambda e: e.at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if e.at else "-"),
    Column("event", lambda e: e.event.replace("_", " ")),
    Column("by", _who, least=16),
    Column("for", lambda e: e.claimed, rank=2, least=8),
    Column("subject", lambda e: e.subject, least=12),
    Column("more", lambda e: e.detail, rank=1, least=16),
    Column("from", lambda e: e.peer, rank=3, least=8),
]


def _of_file(file: Path, noted: str) -> "AuditCheck":
    from pointsman.client.audit import AuditCheck
    from router.store.audit_file import Unreadable, verify_file

    try:
        found = verify_file(file, noted)
    except Unreadable as error:
        raise Failure(f"{file}: {error}") from None
    return AuditCheck(found.entries, str(found.head), found.broken, found.problem)


def _tell(found: "AuditCheck", *, as_json: bool) -> None:
    if as_json:
        show_json(found)
    else:
        click.echo(f"as written: {found.entries} entries, head {found.head}")
    if found.broken is not None:
        raise Failure(f"the audit is not as it was written: {found.problem}")
