"""Who hears of a session."""

import click

from pointsman import names
from pointsman.commands import completion
from pointsman.context import client_flags, control, json_flag
from pointsman.render import plain, show_json


@click.command()
@client_flags
@json_flag
@click.argument("session", shell_complete=completion.sessions)
@click.argument("chats", nargs=-1, metavar="[CHAT]...")
def follow(*, session: str, chats: tuple[str, ...], as_json: bool) -> None:
    """Let chats hear of a session, beside those that do.

    CHAT is telegram:4711, or mail:ada@example.org: a chat in which somebody was let in. Without one it is those that
    hear of all sessions. Prints who hears of the session now.
    """
    _change(session, chats, follows=True, as_json=as_json)


@click.command()
@client_flags
@json_flag
@click.argument("session", shell_complete=completion.sessions)
@click.argument("chats", nargs=-1, metavar="[CHAT]...")
def unfollow(*, session: str, chats: tuple[str, ...], as_json: bool) -> None:
    """Let chats hear of a session no more; the last one stays.

    CHAT is as for `pointsman follow`. Prints who hears of the session now.
    """
    _change(session, chats, follows=False, as_json=as_json)


def _change(name: str, chats: tuple[str, ...], *, follows: bool, as_json: bool) -> None:
    from pointsman.client.records import Chat

    wanted = []
    for each in chats:
        # At the first colon: addresses of platforms may hold more.
        transport, colon, chat_id = each.partition(":")
        if not (transport and colon and chat_id):
            raise click.UsageError(f"a chat is telegram:4711, or mail:ada@example.org; not {each!r}")
        wanted.append(Chat(transport, chat_id))
    # What the router says is who hears of it now, whatever was asked for.
    with control() as router:
        change = router.follow_session if follows else router.unfollow_session
        audience = [f"{chat.transport}:{chat.chat_id}" for chat in change(names.session(router, name), wanted)]
    if as_json:
        show_json({"audience": audience})
        return
    for each in audience:
        click.echo(plain(each))
