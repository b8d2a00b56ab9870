"""Every kind of secret of a run: made in it, and shown at every door that takes one; or read where it is kept."""

import re
from pathlib import Path

import requests

from agent.token_files import token_path
from tests.e2e.system import System
from tests.waiting import wait_until

_KEPT_IN = (
    "router.db", "agent.db", "api_key", "adapter_key", "telegram_webhook_secret", "telegram_webhook_path_secret",
    "mail_token_key", "token",
)  # fmt: skip
JWT = re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.")


def is_kept_in(file: Path) -> bool:
    """Whether it is there to hold them."""
    return file.name.startswith(_KEPT_IN) or file.suffix == ".key"


def all_kinds(system: System, folder: Path) -> dict[str, str]:
    """Secrets by what they are; `folder` is for certificates."""
    return {
        "the API key": system.api_key,
        "the adapter's key": _read(system.data / "adapter_key"),
        "the bot's token": system.telegram.token,
        "the webhook's secret": _read(system.data / "telegram_webhook_secret"),
        "the webhook's path": _read(system.data / "telegram_webhook_path_secret"),
        "the key of reply addresses": _read(system.data / "mail_token_key"),
        "the machine's key": _of_pem(system.data / "agent" / "machine.key"),
        "the router's key": _of_pem(system.data / "router.key"),
        "a worker's token": _worker_token(system),
        **_keys(system),
        **_of_people(system),
        **_of_certificates(system, folder),
    }


def _keys(system: System) -> dict[str, str]:
    made = system.cli("apikey", "create", "--role", "viewer", "--json")
    assert system.rest("GET", "/sessions", key=made["secret"]).status_code == 200
    another = system.cli("apikey", "rotate", made["keyId"], "--json")
    token = system.cli("machine", "token", "--json")
    return {
        "a key that was made": made["secret"], "its other secret": another["secret"], "a join token": token["joinToken"]
    }  # fmt: skip


def _of_people(system: System) -> dict[str, str]:
    code = system.cli("pair", "--name", "Ada", "--json")["code"]
    link = system.cli("console", "--json", POINTSMAN_HTTP_LISTEN=system.console.removeprefix("http://"))["url"]
    visitor = requests.Session()
    visitor.post(f"{system.console}/console/login", {"api_key": code}, timeout=30)
    [csrf] = re.findall(r'name="csrf-token" content="([^"]+)"', visitor.get(f"{system.console}/console/").text)
    added = system.cli("passkey", "Ada").splitlines()[0]
    asked = {"key": "00000000-1", "code": added}
    told = visitor.post(
        f"{system.console}/console/api/passkey-options", json=asked, headers={"X-CSRF-Token": csrf}, timeout=30
    ).json()
    seed = re.findall(r"secret=(\w+)", system.cli("authenticator", "Ada"))[0]
    return {
        "a pairing code": code, "a code for a passkey": added, "a seed of codes": seed,
        "what a passkey has to sign": told["options"]["challenge"],
        "a login link": link.partition("token=")[2], "a page's token": csrf,
        **{f"the cookie {cookie.name}": cookie.value or "" for cookie in visitor.cookies},
    }  # fmt: skip


def _of_certificates(system: System, folder: Path) -> dict[str, str]:
    environ = {"POINTSMAN_DATA_DIR": str(folder)}
    system.cli("tls", "init", **environ)
    system.cli("tls", "client", "laptop", **environ)
    keys = sorted(folder.rglob("*.key"))
    return {f"the key {path.relative_to(folder)}": _of_pem(path) for path in keys}


def _worker_token(system: System) -> str:
    system.cli("session", "register", "--command", "cat", "--session", "worker")
    path = token_path(system.data / "agent" / "workers", "worker")
    wait_until(path.exists)
    return _read(path)


def _read(path: Path) -> str:
    return path.read_text().strip()


def _of_pem(path: Path) -> str:
    """The line with most of the key in it."""
    return max(path.read_text().splitlines(), key=len)
