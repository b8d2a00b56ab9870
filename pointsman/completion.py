"""Shell completion."""

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

_VARIABLE = "_POINTSMAN_COMPLETE"
_SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def completion(*, shell: str) -> None:
    """Print a shell's completion script.

    In ~/.bashrc: eval "$(pointsman completion bash)"
    """
    script = _SHELLS[shell](click.get_current_context().find_root().command, {}, "pointsman", _VARIABLE)
    click.echo(script.source())
