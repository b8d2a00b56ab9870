"""All commands. Each lives in the module of its noun and is loaded when it is called."""

from importlib import import_module

import click

from pointsman.context import client_flags

_COMMANDS = {
    "up": "programs:up",
    "demo": "demo:demo",
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


class LazyGroup(click.Group):
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
def pointsman() -> None:
    """Answer any coding agent on any machine, from your chat.

    Begin with `pointsman demo`, then `pointsman up`. Exit codes: 0 done, 1 failed, 2 usage, 3 not reachable,
    4 not allowed, 5 not found.
    """
