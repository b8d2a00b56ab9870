"""Every HTTP route, asked for by everybody who is not on this machine: who is let in stands in one table."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import control_pb2 as pb
from flask import Flask
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.adapter import PATH_SECRET, SECRET_HEADER, environment
from webhook_adapter.config import AdapterConfig
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient

# Who is let in: "anyone", "telegram" (both secrets of the webhook), "page" (the console's cookie with the token that
# its page holds), "cookie" (also without it), "form" (the console's key, typed in), "worker" (the token of a session's
# program) and "callback" (a callback token), which none of these visitors has, or roles of API keys. All others
# are refused, or led to the login.
TABLE = """
GET  /                              anyone
GET  /health                        anyone
GET  /health/live                   anyone
GET  /health/ready                  anyone
GET  /openapi.json                  anyone
GET  /metrics                       admin operator viewer approver adapter
GET  /search                        admin operator viewer approver adapter
GET  /sessions                      admin operator viewer approver adapter
POST /sessions/<session_id>/control  admin operator adapter
POST /sessions/<session_id>/follow   admin operator adapter
POST /sessions/<session_id>/unfollow admin operator adapter
POST /sessions/<session_id>/mute     admin operator adapter
POST /summary                       admin operator adapter
POST /chat-settings                 admin operator adapter
GET  /sessions/<session_id>/events  admin operator viewer approver adapter
POST /sessions/register             admin operator
POST /sessions/start                admin operator adapter
POST /sessions/unregister           admin operator
POST /notifications/send            admin operator
GET  /commands                      admin operator viewer approver adapter
POST /commands                      admin operator adapter
GET  /commands/<command_id>         admin operator viewer approver adapter
POST /cleanup                       admin operator
GET  /permissions                   admin operator viewer approver adapter
GET  /permissions/<permission_id>   admin operator viewer approver adapter
POST /permissions/<permission_id>   admin operator approver
GET  /deferred                      admin operator viewer approver adapter
POST /deferred                      admin operator adapter
POST /escalation                    admin adapter
POST /many                          admin operator approver
POST /permissions/<permission_id>/rule  admin operator approver
GET  /rules                         admin operator viewer approver adapter
POST /rules/<rule_id>/end           admin operator approver adapter
GET  /session-messages              admin operator viewer approver adapter
GET  /consents                      admin operator viewer approver adapter
POST /consents/<consent_id>/end     admin operator adapter
GET  /deferred/occurrences          admin operator viewer approver adapter
POST /deferred/<deferred_id>/cancel  admin operator adapter
POST /deferred/<deferred_id>/change  admin operator adapter
POST /mcp                           worker
POST /callbacks                     callback
GET  /notes                         admin operator viewer approver adapter
GET  /notes/recall                  admin operator viewer approver adapter
POST /notes                         admin operator adapter
POST /notes/<number>/forget         admin operator adapter
POST /notes/<number>/keep           admin operator adapter
GET  /workspaces                    admin operator viewer approver adapter
POST /workspaces/over               admin operator adapter
POST /workspaces/close              admin operator adapter
POST /workspaces/move               admin operator adapter
POST /workspaces/sweep              admin operator adapter
POST /webhook/telegram/<path_secret>  telegram
GET  /console/static/<path:filename>  anyone
GET  /console/login                 anyone
POST /console/login                 form
GET  /console/                      cookie page
GET  /console/file                  cookie page
GET  /console/image                 cookie page
GET  /console/api/overview          cookie page
GET  /console/api/chat              cookie page
GET  /console/api/queue             cookie page
GET  /console/api/questions         cookie page
GET  /console/api/trace             cookie page
GET  /console/api/live              cookie page
GET  /console/api/events            cookie page
GET  /console/api/search            cookie page
GET  /console/api/screen            cookie page
POST /console/api/upload            page
POST /console/api/end               page
POST /console/api/rename            page
POST /console/api/send              page
POST /console/api/press             page
POST /console/api/allow             page
POST /console/api/answer            page
POST /console/api/control           page
POST /console/api/passkey           page
POST /console/api/passkey-options   page
POST /console/api/key               page
POST /console/api/start             page
POST /console/api/cancel            page
POST /console/api/retry             page
POST /console/api/drop              page
POST /console/api/join-token        page
POST /console/api/logout            page
GET  /console/api/push              cookie page
GET  /console/api/notes             cookie page
GET  /console/api/workspaces        cookie page
GET  /console/api/audience          cookie page
GET  /console/api/ladder            cookie page
GET  /console/api/rules             cookie page
POST /console/api/follow            page
POST /console/api/ladder            page
POST /console/api/summary           page
POST /console/api/end-rule          page
POST /console/api/close-workspace   page
POST /console/api/keep-workspace    page
POST /console/api/sweep-workspaces  page
POST /console/api/note-keep         page
POST /console/api/note-forget       page
POST /console/api/push-subscribe    page
POST /console/api/push-end          page
POST /console/api/read              page
POST /console/api/push-look         page
POST /console/api/push-answer       page
GET  /console/api/occurrences       cookie page
POST /console/api/defer             page
POST /console/api/go-on             page
POST /console/api/change-deferred   page
GET  /console/sw.js                 anyone
"""

ALLOWED = {f"{method} {path}": frozenset(who) for method, path, *who in map(str.split, TABLE.strip().splitlines())}
ROLES = [name.removeprefix("ROLE_").lower() for name in pb.Role.keys()[1:]]
AFAR = {"REMOTE_ADDR": "203.0.113.9"}
# Whole, so that what they are refused for is who asks. There is no such session.
BODIES = {
    "/sessions/register": {"sessionId": "none", "machineId": "no machine"},
    "/sessions/start": {"prompt": "hello", "machineId": "no machine"},
    "/sessions/unregister": {"sessionId": "none"},
    "/notifications/send": {"sessionId": "none", "chatId": 1, "text": "hello"},
    "/commands": {"sessionId": "none", "text": "hello"},
    "/permissions/<permission_id>": {"inputDigest": "none"},
    "/deferred": {"when": "in 10m", "text": "hello", "sessionId": "none"},
    "/deferred/<deferred_id>/change": {"change": "PAUSE"},
    "/escalation": {"personId": "none"},
    "/many": {"doing": "allow", "items": [{"id": "none", "seen": "d"}]},
    "/permissions/<permission_id>/rule": {"inputDigest": "d"},
    "/sessions/<session_id>/control": {"signal": "clear"},
    "/sessions/<session_id>/follow": {"chats": []},
    "/sessions/<session_id>/mute": {"chat": {"transport": "web", "chatId": "none"}},
    "/summary": {"chat": {"transport": "web", "chatId": "none"}},
    "/chat-settings": {"chat": {"transport": "web", "chatId": "none"}},
    "/sessions/<session_id>/unfollow": {"chats": []},
    "/workspaces/over": {"key": "none"},
    "/workspaces/close": {"key": "none"},
    "/workspaces/move": {"key": "none", "machineId": "none"},
    "/workspaces/sweep": {"dryRun": True},
    "/notes": {"text": "hello", "sessionId": "none"},
}
QUERIES = {
    "/search": {"q": "words"},
    "/deferred/occurrences": {"until": "2000-01-01T00:00:00Z"},
    "/notes/recall": {"q": "words"},
}


@dataclass(frozen=True)
class Visitor:
    """What comes with a request."""

    headers: Mapping[str, str] = field(default_factory=dict)
    cookie: str = ""
    path_secret: str = "guessed"
    form: Mapping[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterUnderTest]:
    with serving(config(Path(tmp_path_factory.mktemp("matrix")))) as router:
        yield router


@pytest.fixture(scope="module")
def app(router: RouterUnderTest) -> Iterator[Flask]:
    settings = AdapterConfig.from_environ(environment(router.address))
    client = RouterClient(settings)
    yield create_app(settings, client)
    client.close()


@pytest.fixture(scope="module")
def visitors(router: RouterUnderTest, app: Flask) -> Mapping[str, Visitor]:
    keys = {role: router.key(pb.Role.Value(f"ROLE_{role.upper()}")) for role in ROLES}
    cookie, csrf = logged_in(app.test_client())
    over, _ = logged_in(app.test_client(), log_out=True)
    return {
        "form": Visitor(form={"api_key": API_KEY}),  # first: after five wrong ones nobody may try for a minute
        "nobody": Visitor(),
        "a wrong key": Visitor({"X-API-Key": "pmk_" + "w" * 43}),
        "a key with what no key has": Visitor({"X-API-Key": "pmk_\x7f\xff"}),
        **{role: Visitor({"X-API-Key": key}) for role, key in keys.items()},
        "telegram": Visitor(SECRET_HEADER, path_secret=PATH_SECRET),
        "telegram without its path": Visitor(SECRET_HEADER),
        "telegram without its header": Visitor(path_secret=PATH_SECRET),
        "cookie": Visitor(cookie=cookie),
        "page": Visitor({"X-CSRF-Token": csrf}, cookie),
        "a page with another's token": Visitor({"X-CSRF-Token": csrf[::-1]}, cookie),
        "a forged cookie": Visitor({"X-CSRF-Token": csrf}, cookie[:-4] + "AAAA"),
        "a cookie that was logged out": Visitor({"X-CSRF-Token": csrf}, over),
    }


def logged_in(browser: FlaskClient, *, log_out: bool = False) -> tuple[str, str]:
    """The cookie of a login with the key of the console, and the token that its page holds."""
    browser.post("/console/login", data={"api_key": API_KEY})
    [csrf] = re.findall(r'csrf[^>]*"([\w.-]{20,})"', browser.get("/console/").text)
    cookie = next(iter(browser._cookies.values()))  # a browser's own copy
    if log_out:
        browser.post("/console/api/logout", headers={"X-CSRF-Token": csrf})
    return f"{cookie.key}={cookie.value}", csrf


def answer(app: Flask, route: str, visitor: Visitor) -> str:
    """ "in", or why not."""
    method, path = route.split()
    for name, value in {"<path_secret>": visitor.path_secret, "<path:filename>": "console.js"}.items():
        path = path.replace(name, value)
    headers = {**visitor.headers, **({"Cookie": visitor.cookie} if visitor.cookie else {})}
    client = app.test_client(use_cookies=False)
    body: dict[str, Any] = {"data": visitor.form} if path == "/console/login" else {"json": BODIES.get(path)}
    query = QUERIES.get(path)
    told = client.open(path, method=method, headers=headers, environ_base=AFAR, query_string=query, **body)
    told.close()  # of a file
    if told.status_code == 302 and told.location.endswith("/console/login") and path != "/":
        return "login"
    unknown = told.status_code == 404 and path.startswith("/webhook/")  # not even that there is something
    return "out" if unknown or told.status_code in (401, 403, 429) else "in"


def expected(route: str, visitor: str) -> str:
    if ALLOWED[route] & {"anyone", visitor}:
        return "in"
    has_cookie = visitor in ("cookie", "page", "a page with another's token")
    page = not route.startswith("POST") and "/api/" not in route and "/console/" in route
    return "login" if page and not has_cookie else ("in" if has_cookie and "cookie" in ALLOWED[route] else "out")


@pytest.mark.parametrize("route", ALLOWED)
def test_who_is_let_in_is_what_the_table_says(app: Flask, visitors: Mapping[str, Visitor], route: str) -> None:
    if route == "POST /console/api/logout":
        # It would end the cookie that the other routes are asked with.
        visitors = {name: one for name, one in visitors.items() if name != "page"}

    answers = {name: answer(app, route, visitor) for name, visitor in visitors.items()}

    assert answers == {name: expected(route, name) for name in visitors}


def test_every_route_has_a_row(app: Flask) -> None:
    rules = app.url_map.iter_rules()
    served = {f"{method} {rule.rule}" for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}

    assert served == set(ALLOWED)


def test_no_answer_is_kept_in_a_cache_or_taken_for_what_it_is_not(app: Flask, visitors: Mapping[str, Visitor]) -> None:
    # The same for everybody, and asked for again each time.
    own = dict.fromkeys(("GET /console/static/<path:filename>", "GET /console/sw.js"), "no-cache")
    for route in ALLOWED:
        method, path = route.split()
        told = app.test_client(use_cookies=False).open(
            path.replace("<path:filename>", "console.js"), method=method, headers=visitors["admin"].headers
        )
        told.close()
        assert told.headers["Cache-Control"] == own.get(route, "no-store"), route
        assert told.headers["X-Content-Type-Options"] == "nosniff", route


def test_every_role_calls(visitors: Mapping[str, Visitor]) -> None:
    assert set(ROLES) < set(visitors)


def test_a_page_of_another_site_changes_nothing(app: Flask, visitors: Mapping[str, Visitor]) -> None:
    page = visitors["page"]
    foreign = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
    changes = [route for route, who in ALLOWED.items() if who == {"page"}]

    answers = {
        (route, str(said)): answer(app, route, Visitor({**page.headers, **said}, page.cookie))
        for route in changes
        for said in foreign
    }

    assert changes
    assert set(answers.values()) == {"out"}
