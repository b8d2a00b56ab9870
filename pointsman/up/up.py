"""Everything on one machine under one supervisor: router, agent, and the adapter's two programs."""

import asyncio
import fcntl
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from pointsman.config import ROUTER_FINGERPRINT, Settings, child_environment, resolve
from pointsman.data_folder import router_socket
from pointsman.errors import ExitCode, Failure
from pointsman.providers.pool import FILE as PROVIDERS
from pointsman.secret_files import ADAPTER_SECRETS, KEYS, make_data_dir, make_missing, refuse_foreign_database
from pointsman.settings import Program, Source, is_loopback, is_socket, reachable
from pointsman.up.log import UpLog
from pointsman.up.supervisor import Child, Spec, StartFailed, Supervisor, change_environment, forever, run

# How a program is started: never with the current folder or PYTHONPATH among the places to import from.
COMMAND = (sys.executable, "-I", "-m", "pointsman")


def run_all(settings: Settings, *, verbose: bool) -> None:
    """`pointsman up`; `verbose` shows what its programs log instead of keeping it in a file. Raises Failure."""
    _refuse_plain_text(settings)
    # First of all: a second one ends here, and is told why, before it touches what the first uses.
    with only_one(settings):
        refuse_foreign_database(settings)
        make_missing(settings, *KEYS, *ADAPTER_SECRETS)
        settings = again(settings)  # the secrets are there only now
        if verbose:
            supervisor = Supervisor()
            asyncio.run(run(supervisor, _start_and_tell(supervisor, settings)))
            return
        with closing(UpLog(settings.data_dir)) as log:
            supervisor = Supervisor(log.line, log.word)
            try:
                asyncio.run(run(supervisor, _start_and_tell(supervisor, settings, log.path)))
            except StartFailed:
                click.echo(log.last_words(), err=True)
                raise


def _refuse_plain_text(settings: Settings) -> None:
    """Raises Failure where the router is to speak TLS, and its clients on this machine would not."""
    address = settings["POINTSMAN_ROUTER"]
    in_the_clear = settings.is_set("POINTSMAN_ROUTER") and is_loopback(address) and not is_socket(address)
    if settings["POINTSMAN_TLS_CERT"] and not settings["POINTSMAN_TLS_CA"] and in_the_clear:
        cure = "Set POINTSMAN_TLS_CA to the CA of its certificate, or POINTSMAN_ROUTER to the name that is in it."
        raise Failure("the router has a certificate, and nothing here would speak TLS to it", cure, ExitCode.USAGE)


def run_adapter(settings: Settings) -> None:
    """`pointsman adapter`. Raises Failure."""
    supervisor = Supervisor()
    asyncio.run(run(supervisor, _start_adapter(supervisor, settings)))


def _own_file(path: str, flags: int) -> int:
    """For its owner alone whatever the umask is, and no file of somebody else's behind a link."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the data directory. Raises Failure when another `up` does; the lock ends with its process."""
    path = make_data_dir(settings) / "up.lock"
    # Not "w": who comes second must find the number of the first.
    with open(path, "a+", encoding="ascii", opener=_own_file) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            who = file.read().strip() or "unknown"
            cure = "Stop it first, or choose another folder with POINTSMAN_DATA_DIR."
            raise Failure(f"`pointsman up` already runs on {settings.data_dir} (process {who})", cure) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def again(settings: Settings, changes: Mapping[str, str] | None = None) -> Settings:
    """The same settings read once more, with these changes on top."""
    flags = {name: value.text for name, value in settings.values.items() if value.source is Source.FLAG}
    return resolve({**flags, **(changes or {})}, settings.environ)


@dataclass(frozen=True, slots=True)
class Running:
    """What came up, and where."""

    settings: Settings
    router: str  # the port, for programs that are not ours
    console: str
    machine_id: str | None  # None when an operator revoked it


async def start_all(supervisor: Supervisor, settings: Settings) -> Running:
    """Start everything; returns when all are ready. Raises Failure."""
    from pointsman.enrolment import enrol_local_machine

    router = await supervisor.start(spec(settings, Program.ROUTER))
    address = router.ready.result()
    # A port that was free is kept when it restarts: the others know only that one.
    change_environment(router, POINTSMAN_ROUTER_LISTEN=address)
    if not settings.is_set("POINTSMAN_ROUTER"):
        # By its socket, whoever may hold that port one day.
        settings = again(settings, {"POINTSMAN_ROUTER": router_socket(settings.data_dir), **_pin(settings)})
    # Between the two: it needs the router, and the agent needs it.
    machine_id = await asyncio.to_thread(enrol_local_machine, settings)
    programs = (*((Program.AGENT,) if machine_id else ()), Program.COURIER, Program.ADAPTER_HTTP)
    *_, http = await asyncio.gather(*(supervisor.start(spec(settings, program)) for program in programs))
    if (settings.data_dir / PROVIDERS).exists():  # last: whom it wakes finds everything else there
        await supervisor.start(_looks_after_machines(settings))
    return Running(settings, reachable(address), _keep_port(http), machine_id)


def _pin(settings: Settings) -> dict[str, str]:
    """What others need to know our router by its key, which it has made by now. Raises Failure."""
    path = settings.data_dir / ROUTER_FINGERPRINT
    try:
        return {"POINTSMAN_ROUTER_FINGERPRINT": path.read_text(encoding="ascii").strip()}
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read {path}: {error}", "The router writes it at its start.") from None


def spec(settings: Settings, program: Program) -> Spec:
    return Spec(program.value, (*COMMAND, program.value), child_environment(settings, program))


def _looks_after_machines(settings: Settings) -> Spec:
    """It is a command as people give it, and has what they have."""
    environ = {name: settings[name] for name in ("POINTSMAN_DATA_DIR", "POINTSMAN_ROUTER")}
    return Spec("providers", (*COMMAND, "providers", "run"), {**settings.environ, **environ})


def _keep_port(http: Child) -> str:
    """The adapter's address, which it shall have again after a restart."""
    address = http.ready.result().removeprefix("http://").rstrip("/")
    change_environment(http, POINTSMAN_HTTP_LISTEN=address)
    return f"http://{reachable(address)}"


async def _start_and_tell(supervisor: Supervisor, settings: Settings, log: Path | None = None) -> None:
    """`log` is where a person finds what is not shown; without one, a program may read along."""
    running = await start_all(supervisor, settings)
    if log is None:
        click.echo(f"ready up {running.router} {running.console}")
    # A journal is read by others, and kept: the link would let them in.
    click.echo(summary(running, log, login_address(running) if sys.stdout.isatty() else ""))
    sys.stdout.flush()  # whoever waits for it behind a pipe gets no half-full buffer
    await forever()


async def _start_adapter(supervisor: Supervisor, settings: Settings) -> None:
    _, http = await asyncio.gather(
        supervisor.start(spec(settings, Program.COURIER)), supervisor.start(spec(settings, Program.ADAPTER_HTTP))
    )
    click.echo(f"ready adapter {_keep_port(http)}")
    sys.stdout.flush()
    await forever()


def login_address(running: Running) -> str:
    """The console's address that logs its first visitor in."""
    from webhook_adapter.console.login import login_link

    settings = running.settings
    base = settings["POINTSMAN_CONSOLE_URL"] or settings["POINTSMAN_PUBLIC_URL"] or running.console
    return login_link(base, running.settings.adapter_key, time.time())


def summary(running: Running, log: Path | None, link: str = "") -> str:
    """What a person needs to know once everything runs. `link` logs its first visitor in."""
    settings = running.settings
    once = f"{link}  (opens once, within 10 minutes; `pointsman console` gives a new one)"
    rows = {
        "console": once if link else f"{running.console}  (`pointsman console` gives a link that logs in)",
        "router": _router(running),
        "machine": running.machine_id or "revoked; its agent is not started: pointsman machine token, pointsman enroll",
        "telegram": _telegram(settings),
        "data": str(Path(settings.data_dir)),
        **({"logs": str(log)} if log else {}),
    }
    return "\n".join(f"  {name:<9} {text}" for name, text in rows.items())


def _router(running: Running) -> str:
    way = running.settings["POINTSMAN_ROUTER"]
    return running.router if way == running.router else f"{running.router}; programs here use {way}"


def _telegram(settings: Settings) -> str:
    if not settings["TELEGRAM_BOT_TOKEN"]:
        return "off; TELEGRAM_BOT_TOKEN and ALLOWED_CHAT_IDS turn it on"
    if not settings["ALLOWED_CHAT_IDS"] and not settings["ALLOWED_USER_IDS"]:
        return "on; `pointsman pair` lets somebody write to the bot"
    if settings["POINTSMAN_PUBLIC_URL"]:
        return f"webhook at {settings['POINTSMAN_PUBLIC_URL']}"
    return "long polling; POINTSMAN_PUBLIC_URL turns the webhook on"
