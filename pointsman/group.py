"""All commands. Each lives in the module of its noun and is loaded when it is called."""

from importlib import import_module

import click

from pointsman.config import unknown_here
from pointsman.context import client_flags
from pointsman.spelling import Group, meaningless

_COMMANDS = {
    "up": "programs:up",
    "demo": "demo:demo",
    "console": "console:console",
    "router": "programs:router",
    "adapter": "programs:adapter",
    "agent": "programs:agent",
    "adapter-http": "programs:adapter_http",
    "courier": "programs:courier",
    "run": "sessions:run",
    "session": "sessions:session",
    "sessions": "sessions:sessions",
    "start": "starts:start",
    "stop": "starts:stop",
    "keep": "starts:keep",
    "machines": "machines:machines",
    "commands": "commands:commands",
    "notifications": "notifications:notifications",
    "permissions": "permissions:permissions",
    "answer": "permissions:answer",
    "send": "commands:send",
    "key": "commands:key",
    "notify": "notifications:notify",
    "watch": "watch:watch",
    "trace": "trace:trace",
    "dead": "commands:dead",
    "retry": "commands:retry",
    "redirect": "commands:redirect",
    "cancel": "commands:cancel",
    "drop": "commands:drop",
    "enroll": "machines:enroll",
    "machine": "machines:machine",
    "apikey": "machines:apikey",
    "hooks": "hooks:hooks",
    "hook": "hooks:hook",
    "webhook": "webhook:webhook",
    "doctor": "doctor:doctor",
    "backup": "data:backup",
    "cleanup": "data:cleanup",
    "export": "data:export",
    "completion": "completion:completion",
}

# What runs inside of other programs, again and again; doctor tells of names among its findings.
_SILENT = frozenset({"hook", "completion", "doctor"})


class LazyGroup(Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command: click.Command = getattr(import_module(f"pointsman.{module}"), name)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="pointsman")
@client_flags
@click.pass_context
def pointsman(ctx: click.Context) -> None:
    """Answer any coding agent on any machine, from your chat.

    Begin with `pointsman demo`, then `pointsman up`. Exit codes: 0 done, 1 failed, 2 usage, 3 not reachable,
    4 not allowed, 5 not found.
    """
    if ctx.invoked_subcommand not in _SILENT:
        for name in unknown_here():
            click.secho(f"warning: {meaningless(name)}", fg="yellow", err=True)
