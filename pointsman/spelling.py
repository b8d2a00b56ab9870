"""What a word may be a slip of."""

import click

from pointsman.settings import BY_NAME, like


def meaningless(name: str) -> str:
    """What to tell of a variable that looks like a setting."""
    near = like(name, BY_NAME)
    return f"{name} in the environment means nothing." + (f" Did you mean {near}?" if near else "")


class Group(click.Group):
    """Says which command an unknown one may be a slip of."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # Of a flag that is wrong here, click knows better what to say.
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            near = like(args[0], self.list_commands(ctx))
            hint = f" Did you mean {near}?" if near else f" `{ctx.command_path} --help` lists them."
            ctx.fail(f"no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)
