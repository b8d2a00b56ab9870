"""Machines that are brought: made once, woken by what waits for them, stopped while they have nothing to do."""

import fcntl
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import click

from pointsman.client.control import Control
from pointsman.client.errors import RouterError
from pointsman.config import Settings
from pointsman.context import client_flags, control, json_flag, settings
from pointsman.errors import ExitCode, Failure
from pointsman.lifeline import end_with_supervisor
from pointsman.providers import orphans
from pointsman.providers import pool as pools
from pointsman.providers.loop import EVERY, Loop, state_of
from pointsman.providers.orphans import Decision, Keeper
from pointsman.providers.pool import Pool
from pointsman.providers.process_host import ProcessHost
from pointsman.providers.provider import Provided, Provider, ProviderError
from pointsman.providers.registry import provider
from pointsman.providers.starts import Starts
from pointsman.providers.watch import Seen, look
from pointsman.render import Column, show
from pointsman.secret_files import make_data_dir, make_folder
from pointsman.spelling import Group

T = TypeVar("T")
_FOLDER = "providers"  # in the data directory
_SWEEP_EVERY = 6 * 3600.0  # seconds, as the janitor of workspaces looks
_TOKEN_GOOD = timedelta(minutes=10)
_NOTHING = "No machines are brought. Write {path}: docs/providers.md says what is in it."


@dataclass(frozen=True, slots=True)
class Brought:
    """One machine, for a table."""

    machine: str
    provider: str
    state: str
    connected: bool
    waiting: int


@click.group(cls=Group, invoke_without_command=True)
@client_flags
@json_flag
@click.pass_context
def providers(ctx: click.Context, *, as_json: bool) -> None:
    """List the machines that are brought, and bring, stop or destroy one."""
    if ctx.invoked_subcommand is not None:
        return
    here, pool = settings(), _pool(settings())
    seen: dict[str, Seen] = {}
    if pool.machines:
        with control() as router:
            seen = look(router, pool.machines)
    found = [_brought(here, pool, key, seen[key]) for key in pool.machines]
    show(
        found,
        [
            Column("machine", lambda b: b.machine, least=12),
            Column("provider", lambda b: b.provider),
            Column("state", lambda b: b.state, least=12),
            Column("connected", lambda b: b.connected),
            Column("waiting", lambda b: b.waiting),
        ],
        as_json=as_json,
        nothing=_NOTHING.format(path=here.data_dir / pools.FILE),
    )


@providers.command()
@client_flags
@click.argument("machine", metavar="NAME")
def bring(*, machine: str) -> None:
    """Make a machine that providers.toml names, or start it: said again, it makes no second one."""
    here, pool = settings(), _pool(settings())
    entry, brings = _entry(here, pool, machine)
    with control() as router:
        known = any(each.machine_id == machine and not each.revoked for each in router.machines())
        there = _told(lambda: state_of(brings, machine))
        # One that never enrolled gets another token: the one it had is over by now.
        token = "" if known and there else router.create_join_token(machine, _TOKEN_GOOD).join_token
    made = _told(lambda: brings.ensure(entry.wanted(token, _router(here, pool))))
    click.echo(f"{machine} is {made.state.value} ({made.reference})")


@providers.command()
@client_flags
@click.argument("machine", metavar="NAME")
def stop(*, machine: str) -> None:
    """Stop a machine now, whatever it does. Its disk stays, and the next command for it wakes it."""
    here = settings()
    _, brings = _entry(here, _pool(here), machine)
    click.echo(f"{machine} is {_told(lambda: brings.stop(machine)).state.value}")


@providers.command()
@client_flags
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("machine", metavar="NAME")
def destroy(*, machine: str, yes: bool) -> None:
    """Delete a machine with its disk, and what is on it and nowhere else. It may not connect any more."""
    here = settings()
    _, brings = _entry(here, _pool(here), machine)
    if not yes:
        click.confirm(f"Delete {machine} with all that is on it?", abort=True)
    _told(lambda: brings.destroy(machine))
    # Only now: a machine that could not be deleted must not be put out, or it would run and cost, and be nobody's.
    with control() as router, suppress(RouterError):  # it may never have enrolled
        router.revoke_machine(machine)
    click.echo(f"{machine} is gone")


@providers.command()
@client_flags
@json_flag
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def sweep(*, dry_run: bool, as_json: bool) -> None:
    """Remove machines that nobody knows of and that never ran; tell of all else that is nobody's."""
    here, pool = settings(), _pool(settings())
    with control() as router:
        found = _swept(here, pool, router, dry_run=dry_run)
    show(
        found,
        [
            Column("machine", lambda d: d.machine, least=12),
            Column("provider", lambda d: d.provider),
            Column("reference", lambda d: d.reference, least=12),
            Column("does", lambda d: "remove" if d.goes else "keep"),
            Column("why", lambda d: d.why, least=16),
        ],
        as_json=as_json,
        nothing="There is nothing that is nobody's.",
    )


def _swept(here: Settings, pool: Pool, router: Control, *, dry_run: bool) -> list[Decision]:
    """Each provider is asked once; of one that cannot be asked that is said, and nothing is done there.

    Raises RouterError, having deleted nothing.
    """
    known = {*pool.machines, *(each.machine_id for each in router.machines())}
    owner, decided = here["POINTSMAN_ROUTER_FINGERPRINT"], list[Decision]()
    asked: set[tuple[str, object]] = set()
    for key, entry in pool.machines.items():
        brings = _provider(here, pool, key)
        place = (entry.kind, entry.more.get("app"))
        if not isinstance(brings, Keeper) or place in asked:
            continue
        asked.add(place)
        try:
            decided += orphans.sweep(entry.kind, brings, owner, known, time.time(), dry_run=dry_run)
        except (ProviderError, ValueError, OSError) as error:
            decided.append(Decision(entry.kind, "", "", goes=False, why=f"it cannot be asked: {error}"))
    return decided


@providers.command()
@client_flags
def run() -> None:
    """Wake machines that commands wait for, and stop those that have nothing to do. In the foreground."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    here, pool = settings(), _pool(settings())
    end_with_supervisor(here.environ)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    with _only_one(here), control() as router, ThreadPoolExecutor(1 + len(pool.machines)) as verbs:
        brings = {key: _provider(here, pool, key) for key in pool.machines}
        starts = Starts(here.data_dir / _FOLDER / "starts.json")
        loop = Loop(pool, brings, lambda: look(router, pool.machines), starts, verbs)
        click.echo("ready providers")
        _rounds(loop, over, lambda: verbs.submit(_look_for_orphans, here, pool, router))


def _look_for_orphans(here: Settings, pool: Pool, router: Control) -> None:
    """What is decided is logged; what could not be asked is asked the next time."""
    try:
        _swept(here, pool, router, dry_run=False)
    except (RouterError, Failure) as error:
        logging.getLogger(__name__).warning("not looked for what is nobody's: %s", error)


def _rounds(loop: Loop, over: threading.Event, sweep: Callable[[], object]) -> None:
    """Until it is over. A router that is away comes back."""
    said, swept = "", 0.0
    while not over.wait(EVERY):
        try:
            loop.round()
            said = ""
            if not swept or loop.now() - swept >= _SWEEP_EVERY:
                swept = loop.now()
                sweep()
        except RouterError as error:
            if not error.may_pass:
                raise
            if said != error.code:
                logging.getLogger(__name__).warning("the router does not answer: %s", error)
            said = error.code


@click.command("machine-process", hidden=True)
def machine_process() -> None:
    """Carry out one verb on machines that are processes here; it is read as JSON, and answered so."""
    try:
        given = json.loads(sys.stdin.read(1024 * 1024))
        host = ProcessHost(Path(given["folder"]).expanduser(), sys.executable, _base(settings().environ))
        answer = carried_out(host, given)
    except (ValueError, KeyError, TypeError, OSError, RecursionError, ProviderError) as error:
        raise Failure(str(error) or type(error).__name__) from None
    click.echo(json.dumps(answer))


def carried_out(host: ProcessHost, given: Mapping[str, object]) -> object:
    """The answer to what was read. Raises KeyError, ValueError, OSError, ProviderError."""
    key, environ = str(given.get("key", "")), given.get("environ", {})
    told = {str(name): str(value) for name, value in environ.items()} if isinstance(environ, dict) else {}
    match given["verb"]:
        case "ensure":
            return _as_json(host.ensure(key, str(given.get("join_token", "")), told))
        case "start":
            return _as_json(host.start(key, told))
        case "stop":
            return _as_json(host.stop(key))
        case "destroy":
            host.destroy(key)
            return {}
        case "listed":
            return [_as_json(each) for each in host.listed()]
    raise ValueError("no such verb")


def _base(environ: Mapping[str, str]) -> dict[str, str]:
    """What of our own environment an agent gets: none of our settings, and no secret."""
    return {name: environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "USER", "SHELL") if name in environ}


def _as_json(provided: Provided) -> dict[str, str]:
    return {"key": provided.key, "state": provided.state.value, "reference": provided.reference}


def _brought(here: Settings, pool: Pool, key: str, seen: Seen) -> Brought:
    try:
        found = state_of(_provider(here, pool, key), key)
        state = found.state.value if found else "absent"
    except ProviderError as error:
        state = f"unknown: {error}"
    return Brought(key, pool.machines[key].kind, state, seen.is_connected, seen.waiting)


def _pool(here: Settings) -> Pool:
    path = here.data_dir / pools.FILE
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return Pool()
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}") from None
    with os.fdopen(file, "rb") as opened:
        # Whoever may write there says what is run here.
        if os.fstat(file).st_mode & 0o022:
            raise Failure(f"others may write {path}", f"chmod go-w {path}", ExitCode.USAGE)
        text = opened.read(pools.LARGEST + 1)
    try:
        return pools.read(text.decode())
    except ValueError as error:
        raise Failure(f"{path}: {error}", code=ExitCode.USAGE) from None


def _entry(here: Settings, pool: Pool, machine: str) -> tuple[pools.Entry, Provider]:
    if (entry := pool.machines.get(machine)) is None:
        known = ", ".join(pool.machines) or "no machine"
        raise Failure(f"{pools.FILE} has no machine {machine}: it has {known}", code=ExitCode.NOT_FOUND)
    return entry, _provider(here, pool, machine)


def _provider(here: Settings, pool: Pool, machine: str) -> Provider:
    entry = pool.machines[machine]
    folder = make_folder(make_data_dir(here) / _FOLDER)
    try:
        return provider(entry, folder, _router(here, pool), here["POINTSMAN_FLY_TOKEN"], here["POINTSMAN_FLY_API"])
    except ValueError as error:
        raise Failure(f"{machine}: {error}", code=ExitCode.USAGE) from None


def _router(here: Settings, pool: Pool) -> str:
    return pool.router or here["POINTSMAN_ROUTER"]


def _told(verb: Callable[[], T]) -> T:
    """What a provider answers. Raises Failure."""
    try:
        return verb()
    except (ProviderError, ValueError) as error:
        raise Failure(str(error)) from None


@contextmanager
def _only_one(here: Settings) -> Iterator[None]:
    """Two would start machines against each other. Raises Failure."""
    folder = make_folder(make_data_dir(here) / _FOLDER)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure("`pointsman providers run` runs already with this data directory") from None
        yield
    finally:
        os.close(lock)
