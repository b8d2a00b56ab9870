"""Who is let in: a code for a new chat or browser, the persons there are, and their end."""

import sys
from typing import TYPE_CHECKING

import click

from pointsman.context import client_flags, control, json_flag, settings
from pointsman.errors import ExitCode, Failure
from pointsman.render import Column, counted, plain, show, show_json

if TYPE_CHECKING:
    from pointsman.client.people_records import PairedChat, Person
    from pointsman.config import Settings

_MINUTES = 10


@click.command()
@client_flags
@json_flag
@click.option("--name", default="", help="What to call the person; one of that name gets a further chat or browser.")
@click.option(
    "--role",
    default="operator",
    show_default=True,
    type=click.Choice(["operator", "approver", "viewer"]),
    help="operator: everything; approver: answers questions, and looks; viewer: looks.",
)
@click.option("--machine", "machines", multiple=True, metavar="GLOB", help="Only sessions of such machines.")
@click.option("--session", "sessions", multiple=True, metavar="GLOB", help="Only such sessions, by label or id.")
@click.option("--no-qr", is_flag=True, help="Print no QR code.")
def pair(
    *, name: str, role: str, machines: tuple[str, ...], sessions: tuple[str, ...], no_qr: bool, as_json: bool
) -> None:
    """Let a person in: print a code that they write to the bot, or give on the console's login page.

    It is good once, for 10 minutes. Whoever is let in, and everybody who sees everything, is told so in their chats.
    """
    from pointsman.client.people_records import PersonRole

    with control() as router:
        made = router.create_pairing_code(name, PersonRole[role.upper()], machines, sessions)
    here = settings()
    link = _bot_link(here, made.code)
    if as_json:
        show_json({"code": made.code, "expiresAt": made.expires_at, "url": link})
        return
    if link and not no_qr and sys.stdout.isatty():
        from pointsman.commands.console import qr_code

        click.echo(qr_code(link))
    click.echo(made.code)
    for line in _ways(here, link, made.code, limited=bool(machines or sessions)):
        click.echo(line, err=True)


@click.command()
@client_flags
@json_flag
@click.option("--join", "joined", nargs=2, metavar="WHO OTHER", help="Make one of two who are the same; WHO stays.")
def people(*, joined: tuple[str, str] | None, as_json: bool) -> None:
    """List the persons who were let in, with their chats and browsers.

    Those whom ALLOWED_CHAT_IDS and ALLOWED_USER_IDS let in are not among them, unless they said who they are (`/iam`).
    """
    with control() as router:
        found = router.people()
        if joined:
            # Whoever has the key is no person that could be another.
            there = [person for person in found if person.person_id]
            router.join_people(*(_id_of(there, who) for who in joined))
            found = router.people()
    show(
        found,
        [
            Column("name", lambda p: p.name or "(whoever has the key)", least=12),
            Column("id", lambda p: p.person_id, is_id=True),
            Column("role", lambda p: p.role.name.lower() if p.person_id else ""),
            Column("only", _limits, rank=1, least=8),
            Column("chats", lambda p: " ".join(map(_place, p.chats)), least=12),
            Column("browsers", lambda p: " ".join(each.browser_id for each in p.browsers), rank=1, least=12),
            Column("code", lambda p: "yes" if p.has_second_factor else "", rank=2),
            Column("passkeys", lambda p: p.passkeys or "", rank=2),
            Column("since", lambda p: p.created_at, rank=2),
        ],
        as_json=as_json,
        nothing="Nobody was let in by a code. `pointsman pair` makes one.",
    )


@click.command()
@client_flags
@click.option("--remove", is_flag=True, help="Take it away.")
@click.argument("who", metavar="WHO")
def authenticator(*, who: str, remove: bool) -> None:
    """Give a person a second factor: print what their authenticator app reads, as a QR code and an address.

    A rule for what is risky may want its codes (POINTSMAN_RISK_RULES). WHO is a person's name or id. The secret is
    shown this once; another call makes another one.
    """
    with control() as router:
        person_id = _id_of([person for person in router.people() if person.person_id], who)
        if remove:
            router.remove_second_factor(person_id)
            click.echo(f"{plain(who)} has no second factor now")
            return
        address = router.give_second_factor(person_id)
    if sys.stdout.isatty():
        from pointsman.commands.console import qr_code

        click.echo(qr_code(address))
    click.echo(address)


@click.command()
@client_flags
@click.option("--remove", is_flag=True, help="Take all of theirs away.")
@click.argument("who", metavar="WHO")
def passkey(*, who: str, remove: bool) -> None:
    """Let a person add a passkey at the console: print a code that they give there, on the page Passkey.

    A passkey is asked for where a rule wants a code (POINTSMAN_RISK_RULES), and takes its place. The console has to be
    opened with https and a name, or at http://localhost (POINTSMAN_CONSOLE_URL). WHO is a person's name or id; the
    code is good once, for 10 minutes.
    """
    from pointsman.commands.console import base_address

    with control() as router:
        person_id = _id_of([person for person in router.people() if person.person_id], who)
        if remove:
            router.remove_passkeys(person_id)
            click.echo(f"{plain(who)} has no passkey now")
            return
        address = _page_address(base_address(settings()))
        made = router.let_passkey_be_added(person_id, address)
    click.echo(made.code)
    click.echo(
        f"{plain(who)} opens {address}/console/#/passkey and gives it there, within {_MINUTES} minutes.", err=True
    )


@click.command()
@client_flags
@click.option("--person", "who", default="", metavar="WHO", help="Somebody who was let in; else whoever has the key.")
@click.option("--for", "concerns", default="", metavar="WHAT", help="Beside questions: failed,machine-lost or none.")
@click.argument("ladder", default="")
def escalate(*, who: str, concerns: str, ladder: str) -> None:
    """Say how somebody who does not answer a question is asked again, and where; without a LADDER, tell it.

    LADDER is "15m again, 30m mail": after 15 minutes a reminder where the question was shown, after 30 by e-mail; then
    a reminder each day. A platform is one that they are reached on (telegram, push, mail); with ! in quiet hours, too.
    "off" asks once, everywhere.

    WHAT are words with commas between them: failed (what was sent ended badly), finished (a turn is over), said (what a
    session says else), limited (by a usage limit), ended (a session), machine-lost (for five minutes); or none. Who
    sees it first, or writes to the session, ends it everywhere.
    """
    with control() as router:
        person_id = _id_of([person for person in router.people() if person.person_id], who) if who else ""
        told = router.ladder(person_id, ladder, concerns)
    click.echo(told.ladder)
    # Scripts read the first line as before; who wants questions alone sees no other.
    if told.concerns != "none":
        click.echo(f"also for {told.concerns}")


@click.command()
@client_flags
@click.argument("who", metavar="WHO")
def unpair(*, who: str) -> None:
    """Put a person out, with all their chats and browsers, at once; or end one of those.

    WHO is the name or id of a person, the id of a browser, or a chat as `pointsman people` lists it.
    """
    with control() as router:
        found = router.people()
        chat = next((each for person in found for each in person.chats if _place(each) == who), None)
        if chat is not None:
            router.unpair_chat(chat)
            click.echo(f"{who} is over")
            return
        chats, browsers = router.unpair(_id_of(found, who))
    click.echo(f"{plain(who)} is out; ended: {counted(chats, 'chat')}, {counted(browsers, 'browser')}")


def _page_address(address: str) -> str:
    """Where a page is opened that can have passkeys: they take names, and of addresses not even this machine's own."""
    from urllib.parse import urlsplit

    parts = urlsplit(address)
    return f"http://localhost:{parts.port or 80}" if parts.hostname in ("127.0.0.1", "::1") else address


def _id_of(found: "list[Person]", who: str) -> str:
    """A person's or browser's id. Raises Failure."""
    ids = {each.browser_id for person in found for each in person.browsers}
    ids |= {person.person_id for person in found if person.person_id}
    named = [person.person_id for person in found if person.person_id and person.name == who]
    if who in ids or named:
        return who if who in ids else named[0]
    raise Failure(f"nobody here is {who!r}", "`pointsman people` lists who was let in.", ExitCode.NOT_FOUND)


def _place(paired: "PairedChat") -> str:
    return f"{paired.chat.transport}:{paired.chat.chat_id}:{paired.user_id}"


def _limits(person: "Person") -> str:
    machines = [f"machine {each}" for each in person.machines]
    return ", ".join([*machines, *(f"session {each}" for each in person.sessions)])


def _ways(here: "Settings", link: str, code: str, *, limited: bool) -> list[str]:
    from pointsman.commands.console import base_address

    told = [f"It is good once, within {_MINUTES} minutes, and whoever shows it first is in:"]
    told.append(f"  in Telegram   write to the bot: /start {code}{f'  or open {link}' if link else ''}")
    if here["POINTSMAN_MAIL_ADDRESS"]:
        told.append(f"  by e-mail     write to {here['POINTSMAN_MAIL_ADDRESS']}: /pair {code}")
    # The console shows everything, so there is none for who may see a part.
    if not limited:
        told.append(f"  in a browser  {base_address(here)}/console/login, with the code")
    return [*told, "`pointsman people` shows who came."]


def _bot_link(here: "Settings", code: str) -> str:
    """What opens the bot with the code, where this machine has the bot and Telegram can be asked; else empty."""
    if not here["TELEGRAM_BOT_TOKEN"]:
        return ""
    from pointsman.config import child_environment
    from pointsman.settings import Program
    from webhook_adapter.config import AdapterConfig, ConfigError
    from webhook_adapter.transports.telegram.client import TelegramError
    from webhook_adapter.transports.telegram.inbound import webhook_setup

    try:
        client = webhook_setup.open_client(AdapterConfig.from_environ(child_environment(here, Program.COURIER)))
        try:
            bot = client.call("getMe")
        finally:
            client.close()
    except (ConfigError, TelegramError):
        return ""
    name = bot.get("username", "") if isinstance(bot, dict) else ""
    return f"https://t.me/{name}?start={code}" if name else ""
