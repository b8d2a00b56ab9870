"""`pointsman console`: a fresh login link, to click here or to scan with a phone."""

import sys
import time
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import click

from pointsman.config import Settings
from pointsman.context import json_flag, setting_flags, settings
from pointsman.errors import ExitCode, Failure
from pointsman.settings import is_loopback, reachable

_DEADLINE = 5.0  # seconds for the adapter on this machine


@click.command()
@setting_flags("POINTSMAN_DATA_DIR", "POINTSMAN_HTTP_LISTEN", "POINTSMAN_CONSOLE_URL")
@json_flag
@click.option("--no-qr", is_flag=True, help="Print the link alone.")
def console(*, no_qr: bool, as_json: bool) -> None:
    """Print a link that opens the web console, and its QR code.

    Whoever opens it first is logged in; it is good once, for 10 minutes. Call it on the router's machine. For a phone,
    set POINTSMAN_CONSOLE_URL to the address under which it reaches the console.
    """
    from datetime import UTC, datetime

    from pointsman.render import show_json
    from webhook_adapter.console.login import LINK_LIFETIME

    here, now = settings(), time.time()
    link = _checked_link(here, now)
    if as_json:
        show_json({"url": link, "expiresAt": datetime.fromtimestamp(now + LINK_LIFETIME, UTC)})
        return
    # A pipe gets the link alone, so that another program can open it.
    if not no_qr and sys.stdout.isatty():
        click.echo(qr_code(link))
    click.echo(link)
    click.echo("Good once, within 10 minutes. Whoever opens it first is logged in.", err=True)
    if reaches_only_here(link):
        cure = "POINTSMAN_CONSOLE_URL says where a phone finds it: docs/reaching.md"
        click.echo(f"This address leads to the console on this machine alone. {cure}", err=True)


def base_address(here: Settings) -> str:
    """Where people find the console."""
    given = here["POINTSMAN_CONSOLE_URL"] or here["POINTSMAN_PUBLIC_URL"]
    return given or f"http://{reachable(here['POINTSMAN_HTTP_LISTEN'])}"


def reaches_only_here(link: str) -> bool:
    parts = urlsplit(link)
    return is_loopback(f"{parts.netloc}:0" if parts.port is None else parts.netloc)


def qr_code(link: str) -> str:
    """The link in half blocks, for a terminal of any colours: two modules of the code are one character."""
    import segno

    # The least correction makes the smallest code, and a screen does not get dirty; phones read no micro codes.
    rows = [list(map(bool, row)) for row in segno.make(link, error="l", micro=False).matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    # Black on white, said outright: scanners want dark on light, whatever the terminal has.
    lines = (
        "".join(map(_HALVES.__getitem__, zip(*pair, strict=True))) for pair in zip(rows[::2], rows[1::2], strict=True)
    )
    return "\n".join(f"\x1b[30;107m{line}\x1b[0m" for line in lines)


_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def _checked_link(here: Settings, now: float) -> str:
    """A link that this machine's adapter takes. Raises Failure."""
    from webhook_adapter.console.login import login_link

    if here.router_is_elsewhere and not here.is_set("POINTSMAN_HTTP_LISTEN"):
        raise Failure("the console is on the router's machine", "Call `pointsman console` there.", ExitCode.NOT_FOUND)
    if not here.adapter_key:
        cure = "POINTSMAN_DATA_DIR must be that of `pointsman up`; or give its key in POINTSMAN_API_KEY."
        raise Failure(f"there is no API key in {here.data_dir}", cure, ExitCode.NOT_ALLOWED)
    link = login_link(base_address(here), here.adapter_key, now)
    local = f"http://{reachable(here['POINTSMAN_HTTP_LISTEN'])}"
    # HEAD asks whether the link is good, and does not use it up.
    question = Request(f"{local}/console/login?{urlsplit(link).query}", method="HEAD")  # noqa: S310 -- our own adapter
    try:
        # A proxy of the environment could not reach our loopback, and would be shown the link.
        build_opener(ProxyHandler({})).open(question, timeout=_DEADLINE).close()
    except HTTPError as error:
        error.close()
        cure = f"It comes from {here.where(here.adapter_key_name)}, and must be what the adapter was started with."
        raise Failure(f"the console at {local} does not take this API key", cure, ExitCode.NOT_ALLOWED) from None
    except OSError:
        cure = "Is it running? `pointsman up` starts it; POINTSMAN_HTTP_LISTEN says where to look."
        raise Failure(f"no answer from the console at {local}", cure, ExitCode.NOT_REACHABLE) from None
    return link
