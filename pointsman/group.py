"""All commands. Each lives in the module of its noun and is loaded when it is called."""

from importlib import import_module

import click

from pointsman.config import unknown_here
from pointsman.context import client_flags
from pointsman.spelling import Group, meaningless

# Places, not imports: `pointsman hook` and the Tab key wait for what they need alone.
_COMMANDS = {
    "up": "commands.programs:up",
    "demo": "demo.demo:demo",
    "console": "commands.console:console",
    "router": "commands.programs:router",
    "adapter": "commands.programs:adapter",
    "agent": "commands.programs:agent",
    "adapter-http": "commands.programs:adapter_http",
    "courier": "commands.programs:courier",
    "run": "commands.sessions:run",
    "session": "commands.sessions:session",
    "sessions": "commands.sessions:sessions",
    "start": "commands.starts:start",
    "stop": "commands.starts:stop",
    "keep": "commands.starts:keep",
    "machines": "commands.machines:machines",
    "pair": "commands.people:pair",
    "people": "commands.people:people",
    "unpair": "commands.people:unpair",
    "authenticator": "commands.people:authenticator",
    "passkey": "commands.people:passkey",
    "commands": "commands.commands:commands",
    "notifications": "commands.notifications:notifications",
    "permissions": "commands.permissions:permissions",
    "answer": "commands.permissions:answer",
    "ask": "commands.permissions:ask",
    "send": "commands.commands:send",
    "key": "commands.commands:key",
    "notify": "commands.notifications:notify",
    "watch": "commands.watch:watch",
    "trace": "commands.trace:trace",
    "dead": "commands.commands:dead",
    "retry": "commands.commands:retry",
    "redirect": "commands.commands:redirect",
    "cancel": "commands.commands:cancel",
    "drop": "commands.commands:drop",
    "enroll": "commands.machines:enroll",
    "machine": "commands.machines:machine",
    "tls": "commands.tls:tls",
    "apikey": "commands.api_keys:apikey",
    "hooks": "commands.hooks:hooks",
    "hook": "commands.hooks:hook",
    "webhook": "commands.webhook:webhook",
    "doctor": "doctor.doctor:doctor",
    "audit": "commands.audit:audit",
    "backup": "commands.data:backup",
    "cleanup": "commands.data:cleanup",
    "export": "commands.data:export",
    "completion": "commands.completion:completion",
}

# What runs inside of other programs, again and again; doctor tells of names among its findings.
_SILENT = frozenset({"hook", "completion", "doctor"})


class LazyGroup(Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        # Not by the alphabet, as click would: first what people need first.
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
