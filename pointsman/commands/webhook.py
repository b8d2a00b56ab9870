"""Telegram's webhook: what `pointsman up` does by itself, by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from pointsman.config import child_environment
from pointsman.context import json_flag, setting_flags, settings
from pointsman.errors import ExitCode, Failure
from pointsman.settings import Program
from pointsman.spelling import Group

if TYPE_CHECKING:
    from webhook_adapter.config import AdapterConfig
    from webhook_adapter.transports.telegram.client import TelegramClient
    from webhook_adapter.transports.telegram.inbound.webhook_setup import WebhookInfo

_flags = setting_flags("POINTSMAN_DATA_DIR", "POINTSMAN_PUBLIC_URL", "TELEGRAM_API_BASE")


@click.group(cls=Group)
def webhook() -> None:
    """Set, show or delete Telegram's webhook."""


@webhook.command("set")
@_flags
def set_webhook() -> None:
    """Let Telegram deliver to POINTSMAN_PUBLIC_URL."""
    from pointsman.secret_files import make_missing
    from webhook_adapter.transports.telegram.inbound import webhook_setup

    # On disk before Telegram has them: a crash in between leaves nothing that does not fit.
    make_missing(settings(), "TELEGRAM_WEBHOOK_SECRET", "TELEGRAM_WEBHOOK_PATH_SECRET")
    with _telegram() as (client, adapter):
        webhook_setup.set_webhook(client, adapter)
    click.echo(f"the webhook is set to {adapter.public_url}")


@webhook.command()
@_flags
@json_flag
def info(*, as_json: bool) -> None:
    """Show how the webhook stands at Telegram."""
    from pointsman.render import show_json
    from webhook_adapter.transports.telegram.inbound import webhook_setup

    with _telegram() as (client, adapter):
        found = webhook_setup.webhook_info(client, adapter)
    if as_json:
        show_json(found)
    else:
        click.echo(_words(found))


@webhook.command()
@_flags
def delete() -> None:
    """End the webhook; what waits at Telegram is kept."""
    from webhook_adapter.transports.telegram.inbound import webhook_setup

    with _telegram() as (client, _):
        webhook_setup.delete_webhook(client)
    click.echo("the webhook is deleted")


def _words(found: "WebhookInfo") -> str:
    facts = asdict(found)
    if not facts["is_set"]:
        return "no webhook is set"
    whose = "" if facts["is_ours"] else " (not the address of this adapter: pointsman webhook set)"
    lines = [f"set to {facts['origin']}{whose}", f"{facts['pending_updates']} updates wait"]
    if facts["last_error"]:
        at = datetime.fromtimestamp(facts["last_error_at"], UTC).astimezone()
        lines.append(f"last error {at:%Y-%m-%d %H:%M:%S}: {facts['last_error']}")
    return "\n".join(lines)


@contextmanager
def _telegram() -> "Iterator[tuple[TelegramClient, AdapterConfig]]":
    """A client of the bot. Failures of Telegram, and settings that are missing, come out as Failure."""
    from webhook_adapter.config import AdapterConfig, ConfigError
    from webhook_adapter.transports.telegram.client import NoAnswer, TelegramError
    from webhook_adapter.transports.telegram.inbound import webhook_setup

    try:
        # As the adapter itself reads them, so that both call the same thing wrong.
        adapter = AdapterConfig.from_environ(child_environment(settings(), Program.COURIER))
        client = webhook_setup.open_client(adapter)
    except (ConfigError, webhook_setup.NotConfigured) as error:
        raise Failure(str(error), "`pointsman doctor --settings` shows all settings.", ExitCode.USAGE) from None
    try:
        yield client, adapter
    except webhook_setup.NotConfigured as error:
        raise Failure(str(error), code=ExitCode.USAGE) from None
    except NoAnswer as error:
        raise Failure(str(error), "Is TELEGRAM_API_BASE right?", ExitCode.NOT_REACHABLE) from None
    except TelegramError as error:
        raise Failure(f"Telegram refused: {error}") from None
    finally:
        client.close()
