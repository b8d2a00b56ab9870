"""What can be wrong with an installation, one function for each thing; each finding brings its cure."""

import shutil
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from pointsman.client.errors import RouterError
from pointsman.client.records import Origin
from pointsman.config import FILE_NAME, Settings, child_environment, reachable
from pointsman.connection import connected, failure
from pointsman.errors import CLAUDE, Failure
from pointsman.render import ago, counted
from pointsman.settings import SETTINGS, Program, Source
from pointsman.spelling import meaningless

if TYPE_CHECKING:
    from pointsman.client.records import Stranger
    from webhook_adapter.transports.telegram.inbound.webhook_setup import WebhookInfo

_MIN_FREE, _LOW_FREE = 200 * 1024**2, 1024**3  # bytes: the log alone may need the first between two checkpoints
_MAX_SKEW = 60.0  # seconds; credentials of machines live for minutes
_SOUND_SQLITE = (3, 51, 3)
_HTTP_DEADLINE = 5.0  # seconds
_RECENT = 3600.0  # seconds
_STRANGERS = 5  # the newest; more would push the rest off the screen
_EXPIRES_SOON = 14 * 86400.0  # seconds


class Level(Enum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    level: Level
    found: str
    cure: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check, Level.OK, found)


def warn(check: str, found: str, cure: str = "") -> Finding:
    return Finding(check, Level.WARN, found, cure)


def fail(check: str, found: str, cure: str) -> Finding:
    return Finding(check, Level.FAIL, found, cure)


def settings_are_known(settings: Settings) -> Iterator[Finding]:
    unknown = settings.unknown_in_environment()
    for name in unknown:
        yield warn("settings", meaningless(name), "Correct it, or unset it.")
    if not unknown:
        yield ok("settings", "all good")


def data_dir(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.is_dir():
        yield warn(
            "data directory",
            f"{folder} does not exist yet",
            "`pointsman up` or `pointsman enroll` makes it.",
        )
        return
    if folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield warn("data directory", f"others may look into {folder}", f"chmod 700 {folder}")
    else:
        yield ok("data directory", str(folder))
    yield from _disk(folder)


def _disk(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    found = f"{free / 1024**3:.1f} GiB free"
    if free < _MIN_FREE:
        yield fail("disk", found, "Make room: nothing is accepted once the database cannot be written.")
    elif free < _LOW_FREE:
        yield warn("disk", found, "Make room, or `pointsman cleanup`.")
    else:
        yield ok("disk", found)


def secrets(settings: Settings) -> Iterator[Finding]:
    names = [setting.file for setting in SETTINGS if setting.file] + ["router.db", "agent/machine.key"]
    if any(setting.secret and settings.values[setting.name].source is Source.FILE for setting in SETTINGS):
        names.append(FILE_NAME)
    paths = [path for name in names if (path := settings.data_dir / name).is_file()]
    open_to_all = [path for path in paths if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    for path in open_to_all:
        yield fail("secrets", f"others may read {path}", f"chmod 600 {path}")
    if not open_to_all:
        yield ok("secrets", "for their owner alone")
    if not settings["POINTSMAN_API_KEY"] and not settings.router_is_elsewhere:
        yield fail("secrets", "there is no API key", "`pointsman up` makes one, or set POINTSMAN_API_KEY.")


def sqlite(settings: Settings) -> Iterator[Finding]:  # noqa: ARG001  # one signature for all checks
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < _SOUND_SQLITE:
        yield ok("sqlite", f"{version}; the WAL-reset bug before 3.51.3 needs two writers, and there is only one")
    else:
        yield ok("sqlite", version)


def certificate(settings: Settings) -> Iterator[Finding]:
    path = settings["POINTSMAN_TLS_CERT"]
    if not path:
        return
    from cryptography import x509

    try:
        ends = x509.load_pem_x509_certificate(Path(path).read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        yield fail("certificate", f"{path} cannot be read: {error}", "POINTSMAN_TLS_CERT must be a PEM file.")
        return
    left = (ends - datetime.now(UTC)).total_seconds()
    level = Level.FAIL if left < 0 else Level.WARN if left < _EXPIRES_SOON else Level.OK
    yield Finding("certificate", level, f"good until {ends:%Y-%m-%d}", "" if level is Level.OK else "Renew it.")


def router(settings: Settings) -> Iterator[Finding]:
    from pointsman.client.settings import from_settings

    try:
        with from_settings(settings, Origin("cli")) as client:
            stats = client.stats()
    except RouterError as error:
        if settings.router_is_elsewhere and not settings["POINTSMAN_API_KEY"] and error.code == "UNAUTHENTICATED":
            found = f"{settings['POINTSMAN_ROUTER']} answers; commands here need POINTSMAN_API_KEY, the agent does not"
            yield ok("router", found)
        else:
            refused = failure(error, settings)
            yield fail("router", refused.message, refused.cure)
        return
    where = f"{settings['POINTSMAN_ROUTER']}, version {stats.version}"
    if stats.writable:
        links = f"{counted(stats.agent_links, 'machine')}, {counted(stats.chat_links, 'chat link')}"
        yield ok("router", f"{where}; connected: {links}")
    else:
        yield fail("router", f"{where}, cannot write its database", "Is its disk full? Its log says why.")


def adapter(settings: Settings) -> Iterator[Finding]:
    if settings.router_is_elsewhere and not settings.is_set("POINTSMAN_HTTP_LISTEN"):
        yield ok("adapter", "on another machine, as the router is")
        return
    base = f"http://{reachable(settings['POINTSMAN_HTTP_LISTEN'])}"
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"{base}/health/ready", timeout=_HTTP_DEADLINE) as response:
            date = response.headers.get("Date")
    except HTTPError as error:
        with error:
            words = error.read(500).decode(errors="replace").strip()
        yield fail("adapter", f"{base} is not ready: {words}", "It needs the router; `pointsman up` starts both.")
        return
    except OSError as error:
        cure = "Is it running? `pointsman up` starts it; POINTSMAN_HTTP_LISTEN says where to look."
        yield fail("adapter", f"no answer from {base} ({getattr(error, 'reason', error)})", cure)
        return
    yield ok("adapter", f"{base}, ready")
    yield from _clock(date)


def _clock(date: str | None) -> Iterator[Finding]:
    """The adapter's clock against ours; only telling where it runs on another machine."""
    if date is None:
        return
    skew = abs(parsedate_to_datetime(date).timestamp() - time.time())
    if skew > _MAX_SKEW:
        yield fail(
            "clock", f"the adapter's clock is {skew:.0f} s off", "Turn on time synchronisation on both machines."
        )
    else:
        yield ok("clock", "agrees with the adapter's")


def agent(settings: Settings) -> Iterator[Finding]:
    from pointsman.local import ask

    try:
        status = ask(settings, {"op": "status"})
    except Failure as failure:
        yield warn("agent", failure.message, failure.cure)
        return
    found = f"{status.get('machine_id')}, {counted(int(status.get('inbox_depth', 0)), 'command')} in hand"
    if status.get("connected"):
        yield ok("agent", f"{found}, connected")
    else:
        yield fail("agent", f"{found}, not connected", "Its log says why: is POINTSMAN_ROUTER right, and it enrolled?")


def starting(settings: Settings) -> Iterator[Finding]:
    """Whether sessions can be started here from afar."""
    named = filter(None, map(str.strip, settings["POINTSMAN_START_FOLDERS"].split(",")))
    folders = [Path(name).expanduser() for name in named]
    if not folders:
        yield ok("starting", "no session can be started here from afar; POINTSMAN_START_FOLDERS says where it may")
        return
    gone = ", ".join(str(folder) for folder in folders if not folder.is_dir())
    if gone:
        yield warn("starting", f"no folder {gone}", "Make it, or take it out of POINTSMAN_START_FOLDERS.")
    elif shutil.which("claude", path=settings.environ.get("PATH")) is None:
        yield warn("starting", "claude is not on PATH", f"{CLAUDE} The agent must have it on its own.")
    else:
        yield ok("starting", "in " + ", ".join(map(str, folders)))


def telegram(settings: Settings) -> Iterator[Finding]:
    if not settings["TELEGRAM_BOT_TOKEN"]:
        yield ok("telegram", "off; TELEGRAM_BOT_TOKEN turns it on")
        return
    from webhook_adapter.config import AdapterConfig, ConfigError
    from webhook_adapter.transports.telegram.client import TelegramError
    from webhook_adapter.transports.telegram.inbound import webhook_setup

    if not settings["ALLOWED_CHAT_IDS"] and not settings["ALLOWED_USER_IDS"]:
        cure = "Write to it, and look here again for the ALLOWED_CHAT_IDS to set."
        yield fail("telegram", "nobody may write to the bot", cure)
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


def _stranger(met: "Stranger", wanted: Mapping[str, str], *, open_group: bool) -> Finding:
    when = ago(met.last_seen_at, datetime.now(UTC)) if met.last_seen_at else "once"
    found = (
        f"{met.name or 'somebody'} (user {met.user_id}) wrote in chat {met.chat.chat_id}, {when}, and is not allowed"
    )
    cure = "To let them in: " + " ".join(f"{name}={value}" for name, value in wanted.items())
    everybody = " (and everybody else in that group; ALLOWED_USER_IDS narrows it)" if open_group else ""
    return warn("strangers", found, cure + everybody)


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


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    settings_are_known,
    data_dir,
    secrets,
    sqlite,
    certificate,
    router,
    adapter,
    agent,
    starting,
    telegram,
    strangers,
)
