"""What comes to the adapter: updates of Telegram, bodies and forms over HTTP, texts to show; settings."""

import json
from contextlib import suppress
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import gunicorn.http.errors
import requests
from flask import Flask
from gunicorn.config import Config as GunicornConfig
from gunicorn.http import get_parser
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.http.wsgi import create

from agent.config import Config as AgentConfig
from agent.domain.errors import AgentError
from pointsman.config import BadSettings, resolve
from pointsman.settings import SETTINGS
from router.config import RouterConfig, SettingsError
from tests.fuzz.on_machines import FOLDER, text
from tests.fuzz.target import target
from webhook_adapter.config import AdapterConfig, ConfigError
from webhook_adapter.console import api, push
from webhook_adapter.console.login import LoginGuard
from webhook_adapter.http import bodies
from webhook_adapter.http.gunicorn import wsgi
from webhook_adapter.http.gunicorn.request import MAX_BODY, Refused
from webhook_adapter.http.gunicorn.request import Request as Incoming
from webhook_adapter.json_bodies import InvalidRequest, body, query
from webhook_adapter.router.convert import batch
from webhook_adapter.transports.telegram.client import ApiRefused, TelegramError, _result
from webhook_adapter.transports.telegram.inbound.files import NO_FILE
from webhook_adapter.transports.telegram.inbound.intake import _submission
from webhook_adapter.transports.telegram.inbound.update import Inbound, parse
from webhook_adapter.transports.telegram.outbound.code_blocks import shown
from webhook_adapter.transports.telegram.outbound.format import TextPart, keyboard, parts, units
from webhook_adapter.transports.telegram.outbound.refusals import outcome_of
from webhook_adapter.transports.telegram.outbound.transport import _message_id
from webhook_adapter.transports.transport import Button, ChatRef, Outgoing

MESSAGE = {
    "message_id": 7, "date": 1, "chat": {"id": -100, "type": "supergroup", "title": "t"}, "message_thread_id": 3,
    "from": {"id": 5, "is_bot": False, "first_name": "Ada", "last_name": "L", "username": "ada"}, "text": "/use@bot x",
    "reply_to_message": {"message_id": 6, "from": {"id": 4711, "is_bot": True}, "text": "x"},
    "document": {"file_id": "f", "file_name": "a.txt", "file_size": 5}, "media_group_id": "m", "caption": "c",
    "photo": [{"file_id": "p", "file_size": 1, "width": 1, "height": 1}],
}  # fmt: skip
PRESS = {"id": "c", "from": MESSAGE["from"], "message": MESSAGE, "data": "cmd:T:yes", "chat_instance": "i"}
KINDS = {"message": MESSAGE, "edited_message": MESSAGE | {"edit_date": 2}, "callback_query": PRESS}
UPDATES = [{"update_id": 1, kind: said} for kind, said in KINDS.items()]


@target(*map(json.dumps, UPDATES))
def telegram_updates(data: bytes) -> None:
    """What is taken can be handed to the router as it is."""
    with suppress(ValueError, RecursionError):
        update = json.loads(data)
        if isinstance(update, dict):
            handed_in(update)


def handed_in(update: dict[str, object]) -> None:
    for username in ("bot", None):
        read = parse(update, "4711", username)
        if isinstance(read, Inbound):
            batch([(1, _submission(read, NO_FILE))]).SerializeToString()


REFUSED = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 5",
           "parameters": {"retry_after": 5, "migrate_to_chat_id": -1001}}  # fmt: skip


@target(json.dumps(REFUSED), json.dumps({"ok": True, "result": [{"update_id": 1}]}), "<html>502</html>")
def telegram_answers(data: bytes) -> None:
    """What the Bot API answers, or a proxy in its place."""
    response = requests.Response()
    response.status_code, response._content = 429, data
    response.headers["Retry-After"] = text(data)[:8]
    try:
        result = _result(response)
    except ApiRefused as refused:
        outcome_of(refused, lambda: True)
    except TelegramError:
        return
    else:
        _message_id(result)


APP = Flask("fuzz", static_folder=None)
APP.config["MAX_CONTENT_LENGTH"] = MAX_BODY
REST = [bodies.RegisterSession, bodies.UnregisterSession, bodies.SendNotification, bodies.SendCommand]
CONSOLE = [api.Send, api.Press, api.PressKey, api.Start, api.OfCommand, api.Join, push.Subscribe, push.Looked]
CONSOLE += [push.Answered]
WHOLE = {
    "sessionId": "s", "machineId": "m", "label": "l", "chatId": "5", "text": "t", "idempotencyKey": "k",
    "ttlSeconds": 5,
    "replyMarkup": {"inline_keyboard": [[{"text": "Yes", "callback_data": "cmd:T:yes"}]]},
}  # fmt: skip
FORM = {"session": "s", "key": "k", "text": "t", "message_id": "1", "data": "cmd:T:yes", "name": "enter", "prompt": "p",
        "machine_id": "m", "folder": "/", "command_id": "c", "endpoint": "https://p.example.net", "chat": "c",
        "keys": {"p256dh": "BCVx", "auth": "BTBZ"}, "quiet": "22:00-07:00"}  # fmt: skip


@target(json.dumps(WHOLE), json.dumps(WHOLE | {"replyMarkup": json.dumps(WHOLE["replyMarkup"]), "chatId": 5}))
def rest_bodies(data: bytes) -> None:
    with APP.test_request_context(data=data, method="POST"):
        for kind in REST:
            with suppress(InvalidRequest):
                read: Any = body(kind)
                if kind is bodies.SendNotification:
                    [each.label.encode() for each in read.buttons]
                    str(read.chat).encode()


@target(json.dumps(FORM))
def console_bodies(data: bytes) -> None:
    with APP.test_request_context(data=data, method="POST"):
        for kind in CONSOLE:
            with suppress(InvalidRequest):
                str(body(kind)).encode()


@target("state=DONE,queued&limit=5&before=x&sessionId=s", "limit=-1&limit=2", "id=x&session=%ff")
def queries(data: bytes) -> None:
    with APP.test_request_context(path="/?" + quote(data, safe="=&%+")):
        for kind in (bodies.ListCommands, api.Conversation, api.Story):
            with suppress(InvalidRequest):
                read: Any = query(kind)
                if kind is bodies.ListCommands:
                    list(read.states)


LOGINS: Any = SimpleNamespace(
    browser=lambda _: SimpleNamespace(is_known=False, is_open=True),
    open_browser=lambda *_: None,
    is_admin=lambda _: False,
)
KEY = "pmk_" + "k" * 43
GUARD = LoginGuard(KEY, LOGINS)
COOKIE = GUARD.cookie_for_own_key(KEY, 1_000.0, "here") or ""
HOLDER = GUARD.holder(COOKIE, 1_001.0)


@target("v1.1.2.3", COOKIE, "a.b.c", ".", "1e999.x")
def login_tokens(data: bytes) -> None:
    """No cookie, link or key but our own lets anybody in."""
    told = text(data)
    assert GUARD.holder(told, 1_001.0) in (None, HOLDER)  # it may be spelled in more ways than one
    assert GUARD.cookie_for_link(told, 1_001.0, "here") is None
    assert GUARD.cookie_for_key(told, 1_001.0, "here") is None
    assert GUARD.cookie_for_own_key(told, 1_001.0, "here") is None
    assert GUARD.who_tries(told, "peer", 1_001.0) == "peer"


class Tags(HTMLParser):
    """Which tags are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("b", "pre", "code"), tag
        assert [name for name, _ in attrs] in ([], ["class"]), attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@target("text <b> & ```python\nx\n``` more", "diff --git a b\n@@ -1 +1 @@\n+<x>\n", "a" * 5000, "```\n" * 9)
def messages_for_telegram(data: bytes) -> None:
    """Each part fits and is sound HTML of our own tags alone, whatever a session says."""
    said = text(data)
    for part in parts(Outgoing(ChatRef("1"), said, "devbox · <api>", (Button(said[:80], "cmd:T:yes"),))):
        keyboard(part.buttons)
        if isinstance(part, TextPart):
            assert units(part.plain) <= 4096
            tags = Tags()
            tags.feed(part.html)
            tags.close()
            assert tags.open == []
    shown(said)


POST = b"POST /commands HTTP/1.1\r\nHost: a\r\n"
GUNICORN = GunicornConfig()
CLIENT, SERVER = ("203.0.113.5", 4711), ("127.0.0.1", 8080)
OWN_WORDS = (gunicorn.http.errors.ParseException, gunicorn.http.errors.NoMoreData, StopIteration)


@target(POST + b"Content-Length: 2\r\n\r\n{}", POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")  # fmt: skip
def http_requests(data: bytes) -> None:
    """Heads and bodies, chunked and counted, as the server reads them."""
    with suppress(*OWN_WORDS):
        request = Request(GUNICORN, IterUnreader(iter([data])), ("127.0.0.1", 1))
        while request.body.read(4096):
            pass


@target(POST + b"Content-Length: 2\r\n\r\n{}" + POST, b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n")  # fmt: skip
def http_arrivals(data: bytes) -> None:
    """Where a request ends is the same however it is cut on its way."""
    ends = [ends_of(data, size) for size in (len(data) or 1, 1, 7)]
    assert ends[0] == ends[1] == ends[2]


def ends_of(data: bytes, size: int) -> object:
    """Head and body of what comes in pieces of this size; the refusal; None while it is not whole."""
    request = Incoming(b"", 0.0)
    try:
        for start in range(0, len(data), size):
            request.add(data[start : start + size])
            request.progress()
            if request.is_whole:
                return request.head_and_body()
    except Refused as refused:
        return str(refused)
    return None


@target(POST + b"Content-Length: 2\r\n\r\n{}", POST + b"X-API-Key: k\r\nConnection: close\r\n\r\n")
def plain_requests(data: bytes) -> None:
    """What is read without gunicorn is what gunicorn reads."""
    head, found, body = data.partition(b"\r\n\r\n")
    made = wsgi.environ(head + found, body, CLIENT, wsgi.surroundings(GUNICORN, SERVER))
    if made is None:
        return
    read = next(get_parser(GUNICORN, iter([data]), CLIENT))
    theirs = create(read, None, CLIENT, SERVER, GUNICORN)[1]
    assert made["wsgi.input"].read() == read.body.read() == body
    assert wsgi.is_kept(made) is not read.should_close()
    for name in made.keys() - {"wsgi.input", "wsgi.errors", "wsgi.multithread"}:
        assert made[name] == theirs[name]
    assert theirs.keys() - made.keys() <= {"gunicorn.socket", "wsgi.early_hints"}


PROGRAMS = {
    AdapterConfig.from_environ: ConfigError,
    AgentConfig.from_environ: AgentError,
    RouterConfig.from_environ: SettingsError,
}
CHECKED = [setting.name for setting in SETTINGS if setting.name != "POINTSMAN_DATA_DIR"]


@target('router_listen = "127.0.0.1:7443"\nallowed_chat_ids = [1]\nmachine_id = "x"\n', "[a]\nb=1", "max_sessions = 5")
def settings_files(data: bytes) -> None:
    """pointsman.toml, and the same bytes as the value of a setting in the environment of each program."""
    (FOLDER / "pointsman.toml").write_bytes(data)
    with suppress(BadSettings):
        resolve({}, {"POINTSMAN_DATA_DIR": str(FOLDER)})
    value = text(data)[:200]
    (FOLDER / "pointsman.toml").unlink()
    name = CHECKED[len(data) % len(CHECKED)]  # each of them, by and by
    if "\x00" not in value:
        with suppress(BadSettings):
            resolve({}, {"POINTSMAN_DATA_DIR": str(FOLDER), name: value})
        given = {"POINTSMAN_API_KEY": KEY, "POINTSMAN_DATA_DIR": str(FOLDER), name: value}
        for read, refusal in PROGRAMS.items():
            with suppress(refusal):
                read(given)
