"""`pointsman doctor`: everything that can be wrong, and its cure."""

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from pointsman.config import BadSettings, Settings
from pointsman.context import client_flags, json_flag, settings
from pointsman.errors import ExitCode
from pointsman.render import Column, show, show_json
from pointsman.settings import SETTINGS, Setting, masked

if TYPE_CHECKING:
    from pointsman.doctor.findings import Finding

_NARROW = 20  # columns; in fewer it is the terminal that breaks lines


@click.command()
@client_flags
@json_flag
@click.option(
    "--settings", "only_settings", is_flag=True, help="Print each setting and its source; secrets are masked."
)
def doctor(*, as_json: bool, only_settings: bool) -> None:
    """Check everything that can be wrong, and say the cure."""
    if only_settings:
        _show_settings(settings(), as_json=as_json)
        return
    from pointsman.doctor.findings import Level

    found = _examine()
    if as_json:
        show_json(found)
    else:
        _show(found)
    # Warnings leave it at 0: a script asks whether all works.
    if any(finding.level is Level.FAIL for finding in found):
        sys.exit(ExitCode.FAILED)


def _examine() -> "list[Finding]":
    """All findings; of bad settings only those, as every other check would stand on them."""
    from pointsman.doctor.checks import CHECKS
    from pointsman.doctor.findings import fail

    try:
        here = settings()
    except BadSettings as bad:
        return [fail("settings", problem, "Correct it where it was set.") for problem in bad.problems]
    return [finding for check in CHECKS for finding in check(here)]


def _show(found: "list[Finding]") -> None:
    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    width = max(len(finding.check) for finding in found)
    for finding in found:
        mark = click.style(f"{finding.level.value:<4}", fg=colours[finding.level.value])
        margin = " " * (4 + 2 + width + 2)
        click.echo(f"{mark}  {finding.check:<{width}}  {_wrapped(finding.found, margin)}")
        if finding.cure:
            click.echo(f"{margin}→ {_wrapped(finding.cure, margin + '  ')}")


def _wrapped(text: str, margin: str) -> str:
    """Behind a margin, in lines that fit a person's terminal; for a program one line."""
    room = shutil.get_terminal_size().columns - len(margin)
    if not sys.stdout.isatty() or room < _NARROW:
        return text
    return f"\n{margin}".join(textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False))


def _show_settings(here: Settings, *, as_json: bool) -> None:
    def shown(setting: Setting) -> str:
        return masked(setting, here[setting.name])

    if as_json:
        rows = [
            {"name": s.name, "value": shown(s), "source": here.values[s.name].source.value, "meaning": s.meaning}
            for s in SETTINGS
        ]
        show_json(rows)
        return
    columns: list[Column[Setting]] = [
        Column("setting", lambda s: s.name),
        Column("value", shown, least=24),
        Column("from", lambda s: here.values[s.name].source.value, rank=1),
        Column("meaning", lambda s: s.meaning, rank=2, least=16),
    ]
    show(SETTINGS, columns, as_json=False, nothing="")
