"""`pointsman demo`: the whole system on loopback, a sample session, and a reply that travels to it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pointsman import config
from pointsman.errors import Failure
from pointsman.settings import BY_NAME

_LOOPBACK = "127.0.0.1:0"  # a port that is free
_LOG = "demo.log"
_LAST_WORDS = 12  # lines of the log that a failure shows


@click.command()
@click.option("--keep", is_flag=True, help="Keep the demo's data directory.")
def demo(*, keep: bool) -> None:
    """See it work: everything on loopback, a sample session, a reply."""
    import asyncio

    from pointsman.demo.play import play
    from pointsman.up.supervisor import Supervisor, run

    # Written line by line: a failure shows the end of it, which must not be in a buffer still.
    with _data_dir(keep=keep) as folder, (folder / _LOG).open("w", encoding="utf-8", buffering=1) as log:
        supervisor = Supervisor(lambda name, text: print(f"{name:<12} │ {text}", file=log))
        work = play(supervisor, _settings(folder), alone=config.demo_plays_the_person())
        try:
            asyncio.run(run(supervisor, work))
        except Failure:
            click.echo("".join((folder / _LOG).read_text(encoding="utf-8").splitlines(keepends=True)[-_LAST_WORDS:]))
            raise


@contextmanager
def _data_dir(*, keep: bool) -> Iterator[Path]:
    # Short, so that the agent's socket fits the 107 bytes that a Unix address may have.
    folder = Path(tempfile.mkdtemp(prefix="pointsman-demo-"))
    try:
        yield folder
    finally:
        if keep:
            click.echo(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _settings(folder: Path) -> config.Settings:
    """Free ports, a folder of its own, and nothing of what this machine may be set up for."""
    environ = {name: value for name, value in config.plain_environment().items() if name not in BY_NAME}
    flags = {
        "POINTSMAN_DATA_DIR": str(folder),
        "POINTSMAN_ROUTER_LISTEN": _LOOPBACK,
        "POINTSMAN_HTTP_LISTEN": _LOOPBACK,
        "POINTSMAN_MACHINE_ID": "this-machine",
    }
    return config.resolve(flags, environ)
