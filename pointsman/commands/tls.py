"""Certificates: a private CA for those who have no other, and until when which one is good."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pointsman.config import BadSettings
from pointsman.conflicts import TLS_FILES
from pointsman.context import data_dir, json_flag, setting_flags, settings
from pointsman.render import Column, show
from pointsman.spelling import Group

if TYPE_CHECKING:
    from pointsman.tls.authority import Authority, Pair
    from pointsman.tls.certificates import Facts

_LONGEST = 825  # days; browsers and phones take no certificate of a private CA that is good for longer

_data = setting_flags("POINTSMAN_DATA_DIR")
_days = click.option(
    "--days", type=click.IntRange(1, _LONGEST), default=365, show_default=True, help="How long it is good."
)
_names = click.option("--name", "names", metavar="HOST", multiple=True, help="A name or address more; may be repeated.")


@click.group(cls=Group)
def tls() -> None:
    """Certificates of a CA of one's own."""


@tls.command()
@_data
@_names
@_days
def init(*, names: tuple[str, ...], days: int) -> None:
    """Make a private CA, and a certificate for this machine.

    It is for this machine's name and addresses, and for each HOST under which others reach it besides.
    """
    from pointsman.secret_files import make_folder
    from pointsman.tls.authority import names_here

    make_folder(data_dir())
    authority = _authority()
    facts = authority.begin(names_here(names), days, datetime.now(UTC))
    click.echo(_made(authority, facts))
    click.echo(_here(authority))
    click.echo(_elsewhere(facts))


@tls.command()
@_data
@_days
@click.argument("name", metavar="NAME")
def client(*, name: str, days: int) -> None:
    """Make a certificate for a client: another machine, or the adapter's account.

    Such a client is let in where the router asks for certificates (POINTSMAN_TLS_CLIENT_CA).
    """
    authority = _authority()
    facts = authority.add_client(name, days, datetime.now(UTC))
    pair = authority.client(name)
    click.echo(f"made {pair.certificate} and {pair.key}, good until {facts.until:%Y-%m-%d}")
    click.echo(f"\nPut both and {authority.ca} there, for that account alone (chmod 600), and into its pointsman.toml:")
    click.echo(_lines(tls_cert=f"/PATH/TO/{pair.certificate.name}", tls_key=f"/PATH/TO/{pair.key.name}"))
    click.echo(_lines(tls_ca="/PATH/TO/ca.pem"))


@tls.command()
@_data
@_names
@_days
@click.argument("client_name", metavar="[NAME]", required=False)
def renew(*, client_name: str | None, names: tuple[str, ...], days: int) -> None:
    """Replace this machine's certificate, or that of the client NAME.

    It is for the same names, for those that this machine got since, and for each HOST.
    """
    from pointsman.tls.authority import names_here

    if client_name and names:
        raise click.UsageError("A client's certificate is for no HOST: nobody connects to it.")
    authority = _authority()
    pair = authority.client(client_name) if client_name else authority.router
    facts = authority.renew(pair, names_here(names), days, datetime.now(UTC))
    click.echo(f"{pair.certificate} is good until {facts.until:%Y-%m-%d}" + _for(facts))
    click.echo(_next(pair, is_client=bool(client_name)))


@tls.command("show")
@_data
@json_flag
def show_certificates(*, as_json: bool) -> None:
    """List the certificates here, and those that the settings name: whose they are, and until when."""
    found = [*_authority().held(), *_of_settings()]
    now = datetime.now(UTC)
    show(
        list({facts.path: facts for facts in found}.values()),
        [
            Column("kind", lambda f: f.kind),
            Column("of", lambda f: f.name, least=12),
            Column("until", lambda f: f"{f.until:%Y-%m-%d}" + (" (over)" if f.until <= now else "")),
            Column("for", lambda f: ", ".join(f.names), rank=2, least=16),
            Column("file", lambda f: f.path, rank=1),
        ],
        as_json=as_json,
        nothing="No certificates. `pointsman tls init` makes some.",
    )


def _authority() -> "Authority":
    from pointsman.tls.authority import Authority

    return Authority(data_dir())


def _of_settings() -> "list[Facts]":
    from pointsman.tls.certificates import read

    try:
        here = settings()
        return [read(Path(path)) for name in TLS_FILES if "KEY" not in name and (path := here[name])]
    except (BadSettings, OSError, ValueError):  # `doctor` says what is wrong with them
        return []


def _for(facts: "Facts") -> str:
    return f", for {', '.join(facts.names)}" if facts.names else ""


def _made(authority: "Authority", facts: "Facts") -> str:
    rows = {
        "ca.pem": "the CA. Every other machine gets a copy",
        "authority/ca.key": "its key: whoever has it makes certificates that all of them believe. Nothing that runs "
        "needs it; it may lie elsewhere until the next `pointsman tls`",
        "router.pem, router.key": f"this machine's, good until {facts.until:%Y-%m-%d}{_for(facts)}",
    }
    return "\n".join([f"made in {authority.folder}:", *(f"  {name}: {what}" for name, what in rows.items())])


def _here(authority: "Authority") -> str:
    lines = _lines(tls_cert=authority.router.certificate, tls_key=authority.router.key, tls_ca=authority.ca)
    return (
        f"\nHere, in {authority.folder.with_name('pointsman.toml')}; then start the router anew:\n"
        f"{_lines(router_listen='0.0.0.0:7443')}\n{lines}\n"
        "  # For clients with a certificate alone, which `pointsman tls client NAME` makes:\n"
        f"  #{_lines(tls_client_ca=authority.ca)[1:]}"
    )


def _elsewhere(facts: "Facts") -> str:
    return (
        f"\nOn every other machine, with a copy of ca.pem, in its pointsman.toml:\n{_lines(tls_ca='/PATH/TO/ca.pem')}\n"
        f"then, with a token of `pointsman machine token` from here:\n  pointsman enroll {facts.name}:7443 TOKEN"
    )


def _next(pair: "Pair", *, is_client: bool) -> str:
    if is_client:
        return f"Put it and {pair.key} in the places of the old ones there, and start there anew what uses them."
    return "The router shows it from the next connection on, if its settings name that file. Open links stay."


def _lines(**lines: object) -> str:
    return "\n".join(f'  {name} = "{value}"' for name, value in lines.items())
