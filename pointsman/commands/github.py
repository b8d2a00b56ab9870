"""GitHub: an App of one's own, and which machine works for which repository."""

import html
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import click

from pointsman.config import Settings, child_environment
from pointsman.context import client_flags, control, json_flag, setting_flags, settings
from pointsman.data_folder import GITHUB_APP
from pointsman.errors import ExitCode, Failure
from pointsman.render import Column, plain, show
from pointsman.settings import Program
from pointsman.spelling import Group

if TYPE_CHECKING:
    from webhook_adapter.transports.github.outbound.client import GitHubClient
    from webhook_adapter.transports.github.settings import GitHubSettings

_HOUR = 3600.0
_UNREACHABLE = "http://127.0.0.1:9/created"  # a browser shows its address, and fails to load it


@click.group(cls=Group)
def github() -> None:
    """GitHub: make an App, and let machines work for repositories."""


@github.command()
@setting_flags("POINTSMAN_DATA_DIR", "POINTSMAN_PUBLIC_URL", "POINTSMAN_GITHUB_API")
@click.option("--name", default="pointsman", show_default=True, help="What to call the App; GitHub has each name once.")
@click.option("--organization", default="", metavar="ORG", help="Make it there; else in your own account.")
@click.option("--paste", is_flag=True, help="There is no browser here: write a page, and paste what it leads to.")
@click.option("--replace", is_flag=True, help="Put another App in the place of the one that there is.")
def setup(*, name: str, organization: str, paste: bool, replace: bool) -> None:
    """Make a GitHub App: confirm it in a browser, and its keys are kept here.

    Where POINTSMAN_PUBLIC_URL is set, GitHub delivers there; else its log of deliveries is asked every 10 seconds.
    Restart the adapter afterwards, and install the App in your repositories on its page.
    """
    from pointsman.secret_files import make_data_dir, write_draft
    from webhook_adapter.transports.github import app_setup
    from webhook_adapter.transports.github.outbound.client import GitHubClient

    here = settings()
    path = make_data_dir(here) / GITHUB_APP
    # Its key is nowhere else, and the App would be nobody's.
    if path.exists() and not replace:
        raise Failure(f"there is an App already: {path}", "--replace puts another in its place.", ExitCode.USAGE)
    # The one proves that an answer is to this call, the other hides the address from strangers.
    state, path_secret = app_setup.new_secret(), app_setup.new_secret()
    api = here["POINTSMAN_GITHUB_API"].rstrip("/")

    def page(redirect_url: str) -> str:
        wanted = app_setup.manifest(name, here["POINTSMAN_PUBLIC_URL"].rstrip("/"), path_secret, redirect_url)
        return app_setup.page(api, organization, state, wanted)

    code = _pasted(path.parent, page(_UNREACHABLE), state) if paste else _confirmed(page, state)
    with _github_says():
        told = app_setup.exchange(api, code, path_secret)
    # First of all: GitHub shows the key this once.
    write_draft(path, json.dumps(told).encode()).replace(path)
    client = GitHubClient(told["app_id"], told["private_key"], api)
    with _github_says(), closing(client):
        app_setup.set_hook(client, told["webhook_secret"])
    click.echo(f"made {plain(told['slug'])}; its keys are in {path}")
    click.echo(f"Install it: {plain(told['page'])}/installations/new", err=True)
    click.echo(
        "Then restart the adapter, and bind repositories: pointsman github bind OWNER/NAME --machine ID", err=True
    )


@github.command()
@client_flags
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--machine", "machine_id", required=True, metavar="ID", help="Sessions begin there.")
@click.option("--folder", default="", help="In this folder; else in the first that the machine names.")
@click.option("--agent", default="", metavar="NAME", help="The coding agent; else Claude Code.")
@click.option(
    "--allow", "allowed", multiple=True, metavar="ID", help="Somebody who may ask, by number; again for more."
)
@click.option("--writers", is_flag=True, help="With --allow: so may whoever may write to the repository.")
@click.option("--no-autostart", is_flag=True, help="Mentions begin no session.")
def bind(
    *, repository: str, machine_id: str, folder: str, agent: str, allowed: tuple[str, ...], writers: bool,
    no_autostart: bool,
) -> None:  # fmt: skip
    """Let a machine work for a repository: whoever may mentions the App there, and a session begins.

    Without --allow that is whoever may write to it. With --allow these people alone, by the numbers that GitHub has for
    them, as names can be given up and taken by others: https://api.github.com/users/NAME tells it.
    """
    from pointsman.client.bindings import Binding
    from webhook_adapter.transports.github import app_setup

    # A name would have to be looked up again at each mention, and may be another's by then.
    if wrong := [each for each in allowed if not (each.isascii() and each.isdigit())]:
        cure = f"https://api.github.com/users/{wrong[0]} tells it, as id."
        raise Failure(f"--allow takes a number, and {wrong[0]!r} is none", cure, ExitCode.USAGE)
    with _github_says(), _client(settings()) as (client, here):
        number, name = app_setup.repository_id(client, here.api, repository)
    wanted = Binding(
        "github", str(number), name, machine_id, folder, agent, allowed, writers or not allowed, not no_autostart
    )
    # Only now: the router is asked to keep what GitHub has confirmed.
    with control() as router:
        bound = router.bind(wanted)
    click.echo(
        f"{plain(bound.name)} is bound to {plain(bound.machine_id)}; {_who(bound.allowed, bound.writers)} may ask"
    )


@github.command()
@client_flags
@click.argument("repository", metavar="OWNER/NAME")
def unbind(*, repository: str) -> None:
    """Let no machine work for a repository any more. What was begun goes on."""
    with control() as router:
        # GitHub's names are the same in any case; a number finds what was renamed.
        found = [
            each for each in router.bindings("github") if repository.casefold() in (each.name.casefold(), each.space)
        ]
        if not found:
            raise Failure(f"{repository} is not bound", "`pointsman github status` lists what is.", ExitCode.NOT_FOUND)
        router.unbind("github", found[0].space)
    click.echo(f"{plain(found[0].name)} is bound no more")


@github.command()
@client_flags
@json_flag
def status(*, as_json: bool) -> None:
    """List which machine works for which repository, and say what the App lacks."""
    from webhook_adapter.transports.github import app_setup

    with control() as router:
        found = router.bindings("github")
    show(
        found,
        [
            Column("repository", lambda b: b.name, least=12),
            Column("machine", lambda b: b.machine_id, least=8),
            Column("who may ask", lambda b: _who(b.allowed, b.writers), least=12),
            Column("begins", lambda b: "yes" if b.autostart else "no", rank=1),
            Column("folder", lambda b: b.folder, rank=1, least=8),
            Column("agent", lambda b: b.agent, rank=2),
            Column("since", lambda b: b.created_at, rank=2),
            Column("by", lambda b: b.created_by, rank=2, least=8),
        ],
        as_json=as_json,
        nothing="No repository is bound. `pointsman github bind` lets a machine work for one.",
    )
    # Last: what is bound can be told without GitHub.
    with _github_says(), _client(settings()) as (client, _):
        for lack in app_setup.lacking(client):
            click.echo(f"The App lacks {lack}: give it on its page, and accept it where it is installed.", err=True)


def _who(allowed: tuple[str, ...], writers: bool) -> str:  # noqa: FBT001 - as the binding has it
    return ", ".join([*allowed, *(["whoever may write"] if writers else [])])


@contextmanager
def _client(here: Settings) -> "Iterator[tuple[GitHubClient, GitHubSettings]]":
    """Calls GitHub as the App that there is. Raises Failure."""
    from webhook_adapter.config import ConfigError
    from webhook_adapter.transports.github.outbound.client import GitHubClient
    from webhook_adapter.transports.github.settings import from_environ

    try:
        found = from_environ(child_environment(here, Program.COURIER))
        client = GitHubClient(found.app.app_id, found.app.private_key, found.api) if found else None
    except (ConfigError, ValueError) as error:
        raise Failure(str(error), "`pointsman github setup --replace` makes another.", ExitCode.USAGE) from None
    if found is None or client is None:
        raise Failure("there is no GitHub App here", "Make one: pointsman github setup", ExitCode.USAGE)
    try:
        yield client, found
    finally:
        client.close()


@contextmanager
def _github_says() -> Iterator[None]:
    """What GitHub refuses leaves it as a Failure."""
    from webhook_adapter.transports.github.outbound.http import ApiRefused, GitHubError

    try:
        yield
    except ApiRefused as refused:
        code = ExitCode.NOT_FOUND if refused.status == 404 else ExitCode.FAILED
        cure = "Is the App installed there? Its page says where." if refused.status == 404 else ""
        raise Failure(f"GitHub says: {refused}", cure, code) from None
    except GitHubError as error:
        raise Failure(str(error), "", ExitCode.NOT_REACHABLE) from None


def _pasted(folder: Path, page: str, state: str) -> str:
    """The code, from the address to which a browser elsewhere was led. Raises Failure."""
    from pointsman.secret_files import write_draft

    path = folder / "github_setup.html"
    write_draft(path, page.encode()).replace(path)
    click.echo(f"Open {path} in a browser, on whatever machine, and create the App.", err=True)
    click.echo("It is led to a page that does not load. Paste the address of that page:", err=True)
    address = sys.stdin.readline().strip()
    # It holds the state of this call, which is over with it.
    path.unlink(missing_ok=True)
    return _code(address, state)


def _code(address: str, state: str) -> str:
    """Raises Failure where it is not what this call asked for."""
    asked = parse_qs(urlsplit(address).query)
    # Else somebody could make us take an App of theirs.
    if asked.get("state") != [state] or len(asked.get("code", [])) != 1:
        raise Failure("that address does not belong to this call", "Begin anew: pointsman github setup", ExitCode.USAGE)
    return asked["code"][0]


def _confirmed(page: Callable[[str], str], state: str) -> str:
    """The code, from a browser on this machine. Raises Failure."""
    done, codes = threading.Event(), list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/":
                return self._say(200, page(f"http://127.0.0.1:{server.server_port}/created"))
            if path != "/created":
                return self._say(404, "There is nothing here.")
            # A page of somebody else's may lead here, too: the next one that belongs to this call counts.
            try:
                codes.append(_code(self.path, state))
            except Failure as failure:
                return self._say(400, html.escape(failure.message))
            self._say(200, "The App is made. Go back to the command line.")
            done.set()
            return None

        def _say(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library's
            """Its lines hold the code."""

    # Loopback alone: GitHub never calls it, the person's browser does.
    server = HTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    serving.start()
    try:
        click.echo(f"Open http://127.0.0.1:{server.server_port}/ in a browser on this machine, and create the App.")
        if not done.wait(_HOUR):
            raise Failure("nobody confirmed it within an hour", "Begin anew: pointsman github setup")
    finally:
        server.shutdown()
        server.server_close()
    return codes[0]
