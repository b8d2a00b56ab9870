"""The programs, one each in the foreground: for systemd, for containers, for `pointsman up`."""

import resource
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress

import click

from pointsman.config import child_environment
from pointsman.context import CLIENT_TLS, setting_flags, settings
from pointsman.errors import ExitCode, Failure
from pointsman.lifeline import end_with_supervisor
from pointsman.secret_files import ADAPTER_SECRETS, KEYS, make_data_dir, make_missing, refuse_foreign_database
from pointsman.settings import Program

_DATA, _ROUTER = "POINTSMAN_DATA_DIR", "POINTSMAN_ROUTER"
_TLS = ("POINTSMAN_TLS_CERT", "POINTSMAN_TLS_KEY", "POINTSMAN_TLS_CLIENT_CA")
_MACHINE = (
    "POINTSMAN_MACHINE_ID",
    "POINTSMAN_START_FOLDERS",
    "POINTSMAN_TRUSTED_FOLDERS",
    "POINTSMAN_AGENTS",
    "POINTSMAN_MAX_SESSIONS",
    "POINTSMAN_WAIT_MINUTES",
    "POINTSMAN_REPOSITORIES",
    "POINTSMAN_WORKSPACE_MAX_GB",
    "POINTSMAN_FOREIGN",
    "POINTSMAN_FOREIGN_IMAGE",
)
_DOOR = (
    "POINTSMAN_HTTP_LISTEN",
    "POINTSMAN_HTTP_PLAIN",
    "POINTSMAN_PUBLIC_URL",
    "TELEGRAM_API_BASE",
    "ALLOWED_CHAT_IDS",
    "ALLOWED_USER_IDS",
)

Entry = Callable[[Mapping[str, str]], int]


def _run(program: Program, entry: Entry) -> None:
    _leave_no_memory()
    here = settings()
    make_data_dir(here)
    # Before anything is opened: where the supervisor is gone, a successor may be at it already.
    end_with_supervisor(here.environ)
    # Only its own settings, started by hand or not: it cannot come to depend on another's.
    sys.exit(entry(child_environment(here, program)))


def _leave_no_memory() -> None:
    """A crash writes no core dump: keys and texts would be in it. Whoever looks for a fault may raise the limit."""
    with suppress(OSError, ValueError):  # where a unit forbids to change limits, it has set this one
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


@click.command()
@setting_flags(_DATA, "POINTSMAN_DATABASE", "POINTSMAN_ROUTER_LISTEN", *_TLS, "POINTSMAN_INSECURE_LISTEN")
def router() -> None:
    """Run the router in the foreground."""
    from router.cli import main

    refuse_foreign_database(settings())
    # The router's machine alone makes one: anywhere else it would be a key that no router knows.
    make_missing(settings(), *KEYS)
    _run(Program.ROUTER, main)


@click.command()
@setting_flags(_DATA, _ROUTER, *CLIENT_TLS, *_MACHINE)
def agent() -> None:
    """Run this machine's agent in the foreground."""
    from agent.cli import main

    _run(Program.AGENT, main)


@click.command(hidden=True)
@setting_flags(_DATA, _ROUTER, *CLIENT_TLS, *_DOOR)
def adapter_http() -> None:
    """Run the adapter's HTTP server alone."""
    from webhook_adapter.cli import http

    make_missing(settings(), *ADAPTER_SECRETS)
    _run(Program.ADAPTER_HTTP, http)


@click.command(hidden=True)
@setting_flags(_DATA, _ROUTER, *CLIENT_TLS, *_DOOR)
def courier() -> None:
    """Run the adapter's courier alone."""
    from webhook_adapter.cli import courier as main

    make_missing(settings(), *ADAPTER_SECRETS)
    _run(Program.COURIER, main)


@click.command()
@setting_flags(_DATA, _ROUTER, *CLIENT_TLS, *_DOOR)
def adapter() -> None:
    """Run the adapter in the foreground.

    Two programs under one supervisor: its HTTP server, and its courier.
    """
    from pointsman.up.up import run_adapter

    make_missing(settings(), *ADAPTER_SECRETS)
    here = settings()  # again, since the secrets are there only now
    if not here.adapter_key:
        cure = "Give it a key of the router: pointsman apikey create --role adapter"
        raise Failure("POINTSMAN_ADAPTER_KEY is missing", cure, ExitCode.USAGE)
    run_adapter(here)


@click.command()
@setting_flags(
    _DATA,
    "POINTSMAN_DATABASE",
    "POINTSMAN_ROUTER_LISTEN",
    "POINTSMAN_INSECURE_LISTEN",
    _ROUTER,
    "POINTSMAN_TLS_CLIENT_CA",
    *CLIENT_TLS,
    *_MACHINE,
    *_DOOR,
)
@click.option("-v", "--verbose", is_flag=True, help="Show what the programs log, instead of keeping it in a file.")
def up(*, verbose: bool) -> None:
    """Run everything: router, adapter, this machine's agent.

    Restarts what dies; stops cleanly on Ctrl-C and SIGTERM. What the programs log goes to up.log in the data
    directory; warnings are shown, too.
    """
    from pointsman.up.up import run_all

    run_all(settings(), verbose=verbose)
