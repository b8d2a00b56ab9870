"""How an App comes to be: the manifest that a person confirms at GitHub, and the code that gets its keys."""

import json
import re
import secrets
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from webhook_adapter.transports.github.outbound.client import GitHubClient
from webhook_adapter.transports.github.outbound.http import API_VERSION, ApiRefused, Http, NoAnswer, words_of
from webhook_adapter.transports.github.outbound.tokens import PERMISSIONS
from webhook_adapter.transports.github.settings import PUBLIC_API

EVENTS = ("issue_comment", "issues", "pull_request", "pull_request_review", "pull_request_review_comment")
NOWHERE = "https://pointsman.invalid"
"""Where nobody can call us: what GitHub cannot deliver is in its log, from which it is fetched."""
_FULL_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,200}")
_TIMEOUT = (5.0, 30.0)
_HEADERS = {"Accept": "application/vnd.github+json", "User-Agent": "pointsman", "X-GitHub-Api-Version": API_VERSION}
_LEVELS = {"": 0, "read": 1, "write": 2, "admin": 3}


def new_secret() -> str:
    """For a webhook, its path, and the state of a form."""
    return secrets.token_urlsafe(32)


def manifest(name: str, public_url: str, path_secret: str, redirect_url: str) -> dict[str, Any]:
    """What an App is to be: private, with what we do there and no more."""
    return {
        "name": name,
        "url": public_url or "https://github.com",
        "hook_attributes": {"url": f"{public_url or NOWHERE}/github/webhook/{path_secret}", "active": True},
        "redirect_url": redirect_url,
        "public": False,
        "default_events": list(EVENTS),
        "default_permissions": dict(PERMISSIONS),
    }


def page(api: str, organization: str, state: str, wanted: Mapping[str, Any]) -> str:
    """A page with one button, which brings the manifest to GitHub."""
    owner = f"/organizations/{quote(organization)}" if organization else ""
    action = f"{site(api)}{owner}/settings/apps/new?state={quote(state)}"
    value = escape(json.dumps(wanted))
    return (
        '<!doctype html><meta charset="utf-8"><title>Pointsman</title>'
        f'<form action="{escape(action)}" method="post"><input type="hidden" name="manifest" value="{value}">'
        "<button>Create the GitHub App</button></form>"
    )


def site(api: str) -> str:
    """Where people are, of an API's address."""
    if api == PUBLIC_API:
        return "https://github.com"
    parts = urlsplit(api)
    return f"{parts.scheme}://{parts.netloc}"


def exchange(api: str, code: str, path_secret: str) -> dict[str, Any]:
    """What the App's file is to hold. The code is good once, for an hour. Raises GitHubError."""
    if not _CODE.fullmatch(code):
        raise NoAnswer("that is no code of GitHub's")
    try:
        # The code alone is the credential.
        url = f"{api}/app-manifests/{code}/conversions"
        answer = requests.post(url, timeout=_TIMEOUT, allow_redirects=False, headers=_HEADERS)
        told = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise NoAnswer(f"no answer from GitHub ({type(error).__name__})") from None
    if answer.status_code != requests.codes.created or not isinstance(told, dict):
        raise ApiRefused(answer.status_code, "the code is over, or was used")
    try:
        return {
            "app_id": int(told["id"]), "slug": str(told["slug"]), "private_key": str(told["pem"]),
            "webhook_secret": str(told.get("webhook_secret") or new_secret()), "path_secret": path_secret,
            "page": str(told.get("html_url", "")),
        }  # fmt: skip
    except (KeyError, TypeError, ValueError):
        raise NoAnswer("GitHub's answer holds no App") from None


def set_hook(client: GitHubClient, webhook_secret: str) -> None:
    """Let deliveries come as JSON, signed with that secret. Raises GitHubError."""
    client.as_app("PATCH", "/app/hook/config", {"content_type": "json", "secret": webhook_secret, "insecure_ssl": "0"})


def repository_id(client: GitHubClient, api: str, full_name: str) -> tuple[int, str]:
    """The number of a repository that the App is installed in, and its name. Raises GitHubError."""
    if not _FULL_NAME.fullmatch(full_name):
        raise ApiRefused(404, f"{full_name[:200]!r} is not OWNER/NAME")
    # Asked for by its name, which a person knows; kept by its number, which stays.
    installation = client.as_app("GET", f"/repos/{full_name}/installation").content["id"]
    path = f"/app/installations/{int(installation)}/access_tokens"
    token = client.as_app("POST", path, {"permissions": {"metadata": "read"}})
    http = Http(api)
    answer = http.call("GET", f"/repos/{full_name}", token.content["token"])
    http.close()
    if answer.status != requests.codes.ok:
        raise ApiRefused(answer.status, words_of(answer))
    return int(answer.content["id"]), str(answer.content["full_name"])


def lacking(client: GitHubClient) -> list[str]:
    """What its owner has not given the App, in words. Raises GitHubError."""
    told = client.as_app("GET", "/app").content
    if not isinstance(told, dict):
        raise NoAnswer("GitHub says nothing of the App")
    given, events = told.get("permissions") or {}, told.get("events") or []
    permissions = [
        f"the permission {name}: {level}"
        for name, level in PERMISSIONS.items()
        if _LEVELS.get(str(given.get(name, "")), 0) < _LEVELS[level]
    ]
    return [*permissions, *(f"the event {name}" for name in EVENTS if name not in events)]
