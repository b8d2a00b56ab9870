"""All commands. Each lives in the module of its noun and is loaded when it is called."""

from importlib import import_module

import click

from pointsman.config import unknown_here
from pointsman.context import client_flags
from pointsman.spelling import Group, meaningless

# Places and first sentences, not imports: `pointsman hook`, the Tab key and --help wait for what they need alone.
# Who has no sentence is started by our own programs.
_SECTIONS = {
    "To begin": {
        "up": ("commands.programs:up", "Run everything: router, adapter, this machine's agent."),
        "demo": ("demo.demo:demo", "See it work: on loopback, a sample session, a reply."),
        "console": ("commands.console:console", "Print a link that opens the web console, and its QR code."),
        "pair": ("commands.people:pair", "Let a person in: print a code for the bot or the console."),
        "run": ("commands.sessions:run", "Run COMMAND here, as if started plainly, as a session."),
        "hooks": ("commands.hooks:hooks", "Let Claude Code tell this machine's agent what it does."),
        "doctor": ("doctor.doctor:doctor", "Check everything that can be wrong, and say the cure."),
    },
    "Sessions": {
        "sessions": ("commands.sessions:sessions", "List the sessions."),
        "session": ("commands.sessions:session", "Make what already runs a session, change or end one."),
        "start": ("commands.starts:start", "Start a coding agent without a terminal: give it PROMPT."),
        "stop": ("commands.starts:stop", "End a session that runs without a terminal."),
        "keep": ("commands.starts:keep", "Let one that was started from afar go on after 24 hours."),
        "workspaces": ("commands.workspaces:workspaces", "List the clones that sessions work in; close some."),
        "watch": ("commands.watch:watch", "Show what a session does, as it does it."),
        "screen": ("commands.screen:screen", "Show what the terminal of a session shows now."),
        "search": ("commands.search:search", "Find what was said in sessions, by its words."),
    },
    "Texts for sessions": {
        "send": ("commands.commands:send", "Type TEXT and Enter into a session."),
        "messages": ("commands.session_messages:messages", "List what sessions said to each other."),
        "consents": ("commands.session_messages:consents", "List which sessions may send to which; end that."),
        "callback": ("commands.callbacks:callback", "Let a program elsewhere report to a session, once."),
        "key": ("commands.commands:key", "Press a key in a session."),
        "commands": ("commands.commands:commands", "List commands, newest first."),
        "retry": ("commands.commands:retry", "Send what ended badly once more, as a new command."),
        "redirect": ("commands.commands:redirect", "Send what ended badly to another session."),
        "cancel": ("commands.commands:cancel", "Take a command back."),
        "dead": ("commands.commands:dead", "List what was given up or left in doubt."),
        "drop": ("commands.commands:drop", "Take a dead letter off the list."),
        "trace": ("commands.trace:trace", "Show every step of a command, notification or question."),
    },
    "Words for people": {
        "notify": ("commands.notifications:notify", "Send TEXT about a session to its people."),
        "ask": ("commands.ask:ask", "Ask a session's people TEXT, wait, print their answer."),
        "permissions": ("commands.permissions:permissions", "List the questions that wait for an answer."),
        "answer": ("commands.permissions:answer", 'Answer one: allow, or deny "use the sandbox".'),
        "many": ("commands.batches:many", "Answer many questions at once, or decide about commands."),
        "rules": ("commands.permissions:rules", "List the rules that allow for a time; end one."),
        "follow": ("commands.audience:follow", "Let chats hear of a session, beside those that do."),
        "unfollow": ("commands.audience:unfollow", "Let chats hear of a session no more."),
        "mute": ("commands.audience:mute", "Let a session make no sound in a chat, or be heard again."),
        "chat": ("commands.audience:chat", "Say how a chat is treated: quiet hours, limits, zone."),
        "escalate": ("commands.people:escalate", "Say how somebody is asked again, and where."),
        "notifications": ("commands.notifications:notifications", "List notifications, newest first."),
    },
    "Notes": {
        "remember": ("commands.notes:remember", "Note TEXT for sessions to come."),
        "recall": ("commands.notes:recall", "Find what was noted, by its words."),
        "notes": ("commands.notes:notes", "List what was noted, and what waits for a person."),
        "forget": ("commands.notes:forget", "Remove note NUMBER and its text for good."),
    },
    "Later": {
        "later": ("commands.deferred:later", "Type TEXT into a session WHEN it is time."),
        "remind": ("commands.deferred:remind", "Remind people of TEXT, WHEN it is time."),
        "every": ("commands.deferred:every", "Again and again: type TEXT, or start a session with it."),
        "scheduled": ("commands.deferred:scheduled", "List what is to be done later; with an ID, change it."),
    },
    "People and programs": {
        "people": ("commands.people:people", "List who was let in, with their chats and browsers."),
        "unpair": ("commands.people:unpair", "Put a person out, at once; or end one chat or browser."),
        "authenticator": ("commands.people:authenticator", "Give a person a second factor: print its QR code."),
        "passkey": ("commands.people:passkey", "Let a person add a passkey: print a code for the console."),
        "apikey": ("commands.api_keys:apikey", "Keys for people and programs."),
        "audit": ("commands.audit:audit", "Who was let in, who changed what anybody may do."),
    },
    "Machines": {
        "machines": ("commands.machines:machines", "List the machines."),
        "machine": ("commands.machines:machine", "Let machines in, or out."),
        "enroll": ("commands.machines:enroll", "Make this machine known to a router, once."),
        "providers": ("commands.providers:providers", "Bring machines: made once, woken, stopped while idle."),
        "tls": ("commands.tls:tls", "Certificates of a CA of one's own."),
        "github": ("commands.github:github", "Make a GitHub App; let machines work for repositories."),
        "webhook": ("commands.webhook:webhook", "Set, show or delete Telegram's webhook."),
        "router": ("commands.programs:router", "Run the router in the foreground."),
        "adapter": ("commands.programs:adapter", "Run the adapter in the foreground."),
        "agent": ("commands.programs:agent", "Run this machine's agent in the foreground."),
        "adapter-http": ("commands.programs:adapter_http", ""),
        "courier": ("commands.programs:courier", ""),
        "machine-process": ("commands.providers:machine_process", ""),
        "hook": ("commands.hooks:hook", "Hand one EVENT of Claude Code to the agent, silently."),
        "mcp": ("commands.mcp:mcp", "Offer a coding agent tools that reach its people."),
    },
    "Data": {
        "backup": ("commands.data:backup", "Copy the router's database, while it runs."),
        "cleanup": ("commands.data:cleanup", "Remove what is past its time, now."),
        "export": ("commands.data:export", "Print everything as JSON lines."),
        "completion": ("commands.completion:completion", "Print a shell's completion script."),
    },
}
_COMMANDS = {name: command for section in _SECTIONS.values() for name, command in section.items()}

# What runs inside of other programs, again and again; doctor tells of names among its findings.
_SILENT = frozenset({"hook", "mcp", "completion", "doctor"})


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
        longest = max(len(name) for name, (_, says) in _COMMANDS.items() if says)
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(longest), says) for name, (_, says) in commands.items() if says])


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
