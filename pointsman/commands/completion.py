"""Shell completion: the scripts, and what they offer where a session, a machine, a key or a pane is wanted.

Nothing is said about what goes wrong: a person is in the middle of a line.
"""

import subprocess
from collections.abc import Iterable

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

_VARIABLE = "_POINTSMAN_COMPLETE"  # as click derives it from the program's name: that one it looks for
_SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
_DEADLINE = 2.0  # seconds that a person waits for Tab


@click.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def completion(*, shell: str) -> None:
    """Print a shell's completion script.

    In ~/.bashrc: eval "$(pointsman completion bash)"
    """
    script = _SHELLS[shell](click.get_current_context().find_root().command, {}, "pointsman", _VARIABLE)
    click.echo(script.source())


def sessions(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Labels of sessions, and ids of those without one, or with another's."""
    from pointsman.context import control
    from pointsman.errors import Failure
    from pointsman.render import short

    try:
        with control(ctx) as router:
            there = router.sessions(patience=_DEADLINE)
    except Failure:
        return []
    labels = [each.label for each in there]
    words = (
        (each.label if each.label and labels.count(each.label) == 1 else short(each.session_id), each) for each in there
    )
    return _beginning(incomplete, ((word, f"{each.label or each.cwd} on {each.machine_id}") for word, each in words))


def machines(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Names of machines that may connect."""
    from pointsman.context import control
    from pointsman.errors import Failure

    try:
        with control(ctx) as router:
            there = router.machines(patience=_DEADLINE)
    except Failure:
        return []
    return _beginning(
        incomplete, ((each.machine_id, "" if each.connected else "away") for each in there if not each.revoked)
    )


def keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Keys that can be pressed from afar."""
    from agent.backends.terminals.typing_rules import KEYS

    return _beginning(incomplete, ((name, "") for name in KEYS))


def panes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Panes of the tmux server that this runs in, else of the default one."""
    wanted = "#{pane_id}\t#{session_name}:#{window_index}.#{pane_index} #{pane_current_command}"
    try:
        found = subprocess.run(
            ["tmux", "list-panes", "-a", "-F", wanted], capture_output=True, text=True, timeout=_DEADLINE
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = (line.partition("\t") for line in found.stdout.splitlines())
    return _beginning(incomplete, ((pane, what) for pane, _, what in lines))


def _beginning(incomplete: str, words: Iterable[tuple[str, str]]) -> list[CompletionItem]:
    # Click shows all that it gets: leaving out what does not fit is ours.
    return [CompletionItem(word, help=about or None) for word, about in words if word.startswith(incomplete)]
