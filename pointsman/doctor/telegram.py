"""What can be wrong with Telegram: the bot, who may write to it, the webhook."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pointsman.client.records import Stranger
from pointsman.config import Settings, child_environment
from pointsman.connection import connected
from pointsman.doctor.findings import Finding, fail, ok, warn
from pointsman.errors import Failure
from pointsman.render import ago
from pointsman.settings import Program

if TYPE_CHECKING:
    from webhook_adapter.transports.telegram.inbound.webhook_setup import WebhookInfo

_RECENT = 3600.0  # seconds
_STRANGERS = 5  # the newest; more would push the rest off the screen


def telegram(settings: Settings) -> Iterator[Finding]:
    if not settings["TELEGRAM_BOT_TOKEN"]:
        yield ok("telegram", "off; TELEGRAM_BOT_TOKEN turns it on")
        return
    from webhook_adapter.config import AdapterConfig, ConfigError
    from webhook_adapter.transports.telegram.client import TelegramError
    from webhook_adapter.transports.telegram.inbound import webhook_setup

    if not settings["ALLOWED_CHAT_IDS"] and not settings["ALLOWED_USER_IDS"]:
        yield from _nobody(settings)
    try:
        config = AdapterConfig.from_environ(child_environment(settings, Program.COURIER))
        client = webhook_setup.open_client(config)
    except (ConfigError, TelegramError) as error:
        yield fail("telegram", str(error), "`pointsman doctor --settings` shows all settings.")
        return
    try:
        bot = client.call("getMe")
        name = bot.get("username", "?") if isinstance(bot, dict) else "?"
        yield ok("telegram", f"the bot is @{name}")
        yield _webhook(settings, webhook_setup.webhook_info(client, config))
    except TelegramError as error:
        yield fail("telegram", str(error), "Is TELEGRAM_BOT_TOKEN right, and TELEGRAM_API_BASE reachable?")
    finally:
        client.close()


def _nobody(settings: Settings) -> Iterator[Finding]:
    """No setting lets anybody write; a code may have."""
    try:
        with connected(settings) as client:
            if any(person.chats for person in client.people()):
                return
    except Failure:  # of which the other checks tell
        pass
    yield fail("telegram", "nobody may write to the bot", "`pointsman pair` lets somebody in.")


def _webhook(settings: Settings, info: "WebhookInfo") -> Finding:
    if not settings["POINTSMAN_PUBLIC_URL"]:
        if info.is_set:
            cure = (
                "`pointsman webhook delete`, or set POINTSMAN_PUBLIC_URL: long polling does not work beside a webhook."
            )
            return fail("webhook", f"set to {info.origin}, but POINTSMAN_PUBLIC_URL is not set", cure)
        return ok("webhook", "none; long polling")
    if not info.is_ours:
        found = f"set to {info.origin}" if info.is_set else "not set"
        return fail("webhook", f"{found}, not to this adapter", "`pointsman webhook set`")
    if info.last_error and time.time() - info.last_error_at < _RECENT:  # it stays at Telegram for ever
        found = f"{info.pending_updates} updates wait; Telegram could not deliver: {info.last_error}"
        lost = "`pointsman webhook set`: Telegram does not use our secret."
        return warn("webhook", found, lost if " 401 " in info.last_error else "Is POINTSMAN_PUBLIC_URL reachable?")
    return ok("webhook", f"set, {info.pending_updates} updates wait")


def strangers(settings: Settings) -> Iterator[Finding]:
    """Who wrote to the bot of late and is not allowed: perhaps the person who reads this."""
    if not settings["TELEGRAM_BOT_TOKEN"]:
        return
    from webhook_adapter.config import AdapterConfig, ConfigError
    from webhook_adapter.transports.telegram.inbound.access import AllowList

    try:
        telegram = AdapterConfig.from_environ(child_environment(settings, Program.COURIER)).telegram
        with connected(settings) as client:
            met = client.strangers()
    except (ConfigError, Failure):  # of which the other checks tell
        return
    if telegram is None:
        return
    allowed = AllowList(telegram.allowed_chat_ids, telegram.allowed_user_ids)
    for stranger in [each for each in met if each.chat.transport == "telegram"][:_STRANGERS]:
        chat_id, user_id = int(stranger.chat.chat_id), int(stranger.user_id)
        if not allowed.allows(chat_id, user_id):
            open_group = chat_id < 0 and not allowed.user_ids
            yield _stranger(stranger, allowed.to_allow(chat_id, user_id), open_group=open_group)


def _stranger(met: Stranger, wanted: Mapping[str, str], *, open_group: bool) -> Finding:
    when = ago(met.last_seen_at, datetime.now(UTC)) if met.last_seen_at else "once"
    found = (
        f"{met.name or 'somebody'} (user {met.user_id}) wrote in chat {met.chat.chat_id}, {when}, and is not allowed"
    )
    cure = "To let them in: pointsman pair, or " + " ".join(f"{name}={value}" for name, value in wanted.items())
    everybody = " (and everybody else in that group; ALLOWED_USER_IDS narrows it)" if open_group else ""
    return warn("strangers", found, cure + everybody)
