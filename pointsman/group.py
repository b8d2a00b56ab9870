"""All commands. Each lives in the module of its noun and is loaded when it is called."""

from importlib import import_module

import click

from pointsman.config import unknown_here
from pointsman.context import client_flags
from pointsman.spelling import Group, meaningless

# Places and first sentences, not imports: `pointsman hook`, the Tab key and --help wait for what they need alone.
# Who has no sentence is started by our own programs.
_COMMANDS = {
    "up": ("commands.programs:up", "Run everything: router, adapter, this machine's agent."),
    "demo": ("demo.demo:demo", "See it work: everything on loopback, a sample session, a reply."),
    "console": ("commands.console:console", "Print a link that opens the web console, and its QR code."),
    "router": ("commands.programs:router", "Run the router in the foreground."),
    "adapter": ("commands.programs:adapter", "Run the adapter in the foreground."),
    "agent": ("commands.programs:agent", "Run this machine's agent in the foreground."),
    "adapter-http": ("commands.programs:adapter_http", ""),
    "courier": ("commands.programs:courier", ""),
    "run": ("commands.sessions:run", "Run COMMAND here, as if started plainly, as a session."),
    "session": ("commands.sessions:session", "Make what already runs a session, change how it works, or end one."),
    "sessions": ("commands.sessions:sessions", "List the sessions."),
    "start": ("commands.starts:start", "Start a coding agent on a machine, without a terminal, and give it PROMPT."),
    "stop": ("commands.starts:stop", "End a session that its machine runs without a terminal."),
    "keep": (
        "commands.starts:keep",
        "Let a session that was started from afar go on when its 24 hours are over, until it is ended.",
    ),
    "machines": ("commands.machines:machines", "List the machines."),
    "pair": (
        "commands.people:pair",
        "Let a person in: print a code that they write to the bot, or give on the console's login page.",
    ),
    "people": ("commands.people:people", "List the persons who were let in, with their chats and browsers."),
    "unpair": (
        "commands.people:unpair",
        "Put a person out, with all their chats and browsers, at once; or end one of those.",
    ),
    "authenticator": (
        "commands.people:authenticator",
        "Give a person a second factor: print what their authenticator app reads, as a QR code and an address.",
    ),
    "passkey": (
        "commands.people:passkey",
        "Let a person add a passkey at the console: print a code that they give there, on the page Passkey.",
    ),
    "commands": ("commands.commands:commands", "List commands, newest first."),
    "notifications": ("commands.notifications:notifications", "List notifications, newest first."),
    "permissions": ("commands.permissions:permissions", "List the questions that wait for an answer, newest first."),
    "answer": (
        "commands.permissions:answer",
        'Answer a question with one of its options, for example allow, or deny "use the sandbox".',
    ),
    "ask": ("commands.ask:ask", "Ask a session's people TEXT, wait, and print their answer."),
    "send": ("commands.commands:send", "Type TEXT and Enter into a session."),
    "key": ("commands.commands:key", "Press a key in a session."),
    "later": ("commands.deferred:later", "Type TEXT into a session WHEN it is time."),
    "remind": ("commands.deferred:remind", "Remind people of TEXT, WHEN it is time."),
    "every": ("commands.deferred:every", "Do it again and again: type TEXT into a session, or start one with it."),
    "scheduled": (
        "commands.deferred:scheduled",
        "List what is to be done later, the next first; with an ID and an option, change it.",
    ),
    "notify": ("commands.notifications:notify", "Send TEXT about a session to its people."),
    "screen": (
        "commands.screen:screen",
        "Show what the terminal of a session shows now.",
    ),
    "search": (
        "commands.search:search",
        "Find what was said in sessions: all of these words, in any order; newest first.",
    ),
    "watch": (
        "commands.watch:watch",
        "Show what a session does, as it does it; without one, the steps of all commands and messages.",
    ),
    "trace": ("commands.trace:trace", "Show every step of a command, notification or question."),
    "dead": ("commands.commands:dead", "List what was given up or left in doubt."),
    "retry": ("commands.commands:retry", "Send what ended badly once more, as a new command."),
    "redirect": ("commands.commands:redirect", "Send what ended badly to another session."),
    "cancel": ("commands.commands:cancel", "Take a command back."),
    "drop": ("commands.commands:drop", "Take a dead letter off the list."),
    "enroll": ("commands.machines:enroll", "Make this machine known to a router, once."),
    "machine": ("commands.machines:machine", "Let machines in, or out."),
    "tls": ("commands.tls:tls", "Certificates of a CA of one's own."),
    "apikey": ("commands.api_keys:apikey", "Keys for people and programs."),
    "hooks": ("commands.hooks:hooks", "Let Claude Code tell this machine's agent what it does."),
    "hook": (
        "commands.hooks:hook",
        "Hand one EVENT of Claude Code, on standard input, to the agent; silent whatever happens.",
    ),
    "webhook": ("commands.webhook:webhook", "Set, show or delete Telegram's webhook."),
    "doctor": ("doctor.doctor:doctor", "Check everything that can be wrong, and say the cure."),
    "audit": ("commands.audit:audit", "Who was let in, and who changed what anybody may do."),
    "backup": ("commands.data:backup", "Copy the router's database, while it runs."),
    "cleanup": ("commands.data:cleanup", "Remove what is past its time, now."),
    "export": ("commands.data:export", "Print everything as JSON lines."),
    "completion": ("commands.completion:completion", "Print a shell's completion script."),
}

_MARGIN = 6  # columns: click's two before a name, and those between it and its sentence

# What runs inside of other programs, again and again; doctor tells of names among its findings.
_SILENT = frozenset({"hook", "completion", "doctor"})


class LazyGroup(Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        # Not by the alphabet, as click would: first what people need first.
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"pointsman.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """As click does, which would import every one of them for its first sentence."""
        shown = {name: says for name, (_, says) in _COMMANDS.items() if says}
        room = formatter.width - _MARGIN - max(map(len, shown))
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, click.Command(name, help=says).get_short_help_str(room)) for name, says in shown.items()]
            )


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
