"""GitHub's settings: a file with what the App was given, for its owner alone, and what people call us there."""

import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from webhook_adapter.config import LOOPBACK_HOSTS, ConfigError
from webhook_adapter.transports.github.inbound.signature import LEAST_SECRET

APP, WORD, API = "POINTSMAN_GITHUB_APP", "POINTSMAN_GITHUB_MENTION", "POINTSMAN_GITHUB_API"
PUBLIC_API = "https://api.github.com"
_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?")  # as a user is called there
_PATH_SECRET = re.compile(r"[A-Za-z0-9_-]{22,128}")
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class GitHubApp:
    """What GitHub gave the App, and the last part of the address that it was given."""

    app_id: int
    slug: str
    private_key: str = field(repr=False)  # PEM
    webhook_secret: str = field(repr=False)
    path_secret: str = field(repr=False)

    @property
    def webhook_path(self) -> str:
        """The path that GitHub posts to. Secret: never logged."""
        return f"/github/webhook/{self.path_secret}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log line may show."""
        return (self.webhook_secret, self.path_secret)


@dataclass(frozen=True, slots=True)
class GitHubSettings:
    """One App, what a comment calls it, and where its API is."""

    app: GitHubApp
    mention: str
    api: str
    progress: Path  # where it is kept how far deliveries were fetched


def from_environ(environ: Mapping[str, str]) -> GitHubSettings | None:
    """None where GitHub is off. Raises ConfigError."""
    name = environ.get(APP, "").strip()
    if not name:
        return None
    app = read_app(Path(name))
    mention = environ.get(WORD, "").strip().removeprefix("@") or app.slug
    if not _WORD.fullmatch(mention):
        raise ConfigError(f"{WORD} must be a word such as a user is called on GitHub")
    return GitHubSettings(app, mention, _api(environ), Path(name).with_suffix(".progress"))


def read_app(path: Path) -> GitHubApp:
    """The file that `pointsman github setup` wrote. Raises ConfigError, which shows nothing of it."""
    try:
        with path.open("rb") as file:
            mode, text = stat.S_IMODE(path.stat().st_mode), file.read(_MOST_BYTES)
    except OSError as error:
        raise ConfigError(f"{APP} names {path}, which cannot be read: {error.strerror}") from None
    # Whoever has the key may write in every repository that the App is installed in.
    if mode & 0o077:
        raise ConfigError(f"{APP}: others may read {path}. Let nobody: chmod 600 {path}")
    try:
        told = json.loads(text)
        app = GitHubApp(told["app_id"], told["slug"], told["private_key"], told["webhook_secret"], told["path_secret"])
        sound = _is_sound(app)
    except (ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if not sound:
        raise ConfigError(f"{APP}: {path} is not what `pointsman github setup` writes")
    return app


def _is_sound(app: GitHubApp) -> bool:
    return (
        type(app.app_id) is int
        and app.app_id > 0
        and _WORD.fullmatch(app.slug) is not None
        and "PRIVATE KEY" in app.private_key
        # Without one nothing would be signed, and anybody could write what GitHub does.
        and len(app.webhook_secret) >= LEAST_SECRET
        and _PATH_SECRET.fullmatch(app.path_secret) is not None
    )


def _api(environ: Mapping[str, str]) -> str:
    value = (environ.get(API, "").strip() or PUBLIC_API).rstrip("/")
    url = urlsplit(value)
    # Tokens go there with each call.
    if url.scheme != "https" and url.hostname not in LOOPBACK_HOSTS:
        raise ConfigError(f"{API} must start with https://")
    if not url.hostname or url.query or url.fragment or url.username:
        raise ConfigError(f"{API} must be a plain https address, such as https://HOST/api/v3")
    return value
