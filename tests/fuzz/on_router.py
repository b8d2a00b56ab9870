"""What comes to the router: frames of agents and chats, calls, credentials of machines, words of people."""

import asyncio
import json
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import jwt
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.message import DecodeError
from msgspec.structs import replace

from router.api.auth import Guard
from router.api.convert.frames import read_frame
from router.api.convert.submissions import inbound
from router.api.turns import Turns
from router.api.worker_tokens import WorkerTokens
from router.domain import passkey, person, quiet
from router.domain.action import Action
from router.domain.answer_rule import begins
from router.domain.errors import Refusal
from router.domain.gates import Attempt, Requirements, Way, checked, closed
from router.domain.machine import Machine, MachinePolicy
from router.domain.machine_key import Replacement, replaced
from router.domain.passkey import Challenge, NotProven, Passkey, creation_options, request_options
from router.domain.permission import Permission, PermissionKind
from router.domain.permission_input import Details
from router.domain.routing import CHAT_COMMANDS, Inbound, action_of, chat_command, route
from router.domain.session import Session, SessionState
from router.domain.session_message import MARK, unmarked
from router.domain.unicode_escapes import visible
from router.link.connection import Connection
from router.store import search
from tests.fuzz.target import messages, target
from tests.rigs.passkeys import ORIGIN, Authenticator, text

NOW = 1_800_000_000.0
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
MACHINE = Machine("devbox", KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), NOW)
GOOD = {"sub": "devbox", "aud": "pointsman", "iat": NOW, "exp": NOW + 300}
SESSION = Session("s-1", "devbox", "api", "pty", "/", SessionState.IDLE, 1, NOW, NOW)
CHALLENGE = Challenge(b"c" * 32, "", ORIGIN, NOW)
SPKI = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
PASSKEY = Passkey(text(b"a passkey of these"), "person_1", SPKI, ORIGIN, 0, NOW)
WORKER = GOOD | {"iss": "devbox", "aud": "router", "role": "worker", "session": "s-1", "generation": 1}


@target(*messages(link_pb.AgentFrame, "frame"))
def agent_frames(data: bytes) -> None:
    """Behind a hello, each once as a whole and once as what comes twice."""
    connection = Connection("devbox", 0.0)
    hello = link_pb.AgentFrame(hello=link_pb.Hello(machine_id="devbox", instance_id="i", inbox_id="n", outbox_id="o"))
    hello.hello.protocol_min = hello.hello.protocol_max = 1
    connection.receive(*read_frame(hello.SerializeToString()), 1.0)
    connection.welcomed(1, upstream_acked=0, interval=20.0, rotate_at=3600.0)
    for now in (2.0, 3.0):
        try:
            read = read_frame(data)
        except ValueError as error:
            connection.bad_frame(str(error), now)
        else:
            connection.receive(*read, now)
            str(read).encode()  # all of its texts can be stored


@target(
    Authenticator(KEY).create(creation_options(CHALLENGE, ("person_1", "Ada"), ())),
    Authenticator(KEY).get(request_options(CHALLENGE, ())),
)
def passkeys(data: bytes) -> None:
    """What a browser hands over, as a passkey that is added and as one that signs; nothing but these two is proven."""
    credential = data.decode(errors="replace")
    with suppress(NotProven):
        passkey.added(credential, CHALLENGE, "person_1", NOW)
    with suppress(NotProven):
        passkey.signed(credential, PASSKEY, CHALLENGE)


@target("https://console.example.org", "http://localhost:8080", "https://[::1]:443/x", "http://a.localhost:99999")
def origins(data: bytes) -> None:
    with suppress(Refusal):
        origin = passkey.checked_origin(data.decode(errors="replace"))
        assert passkey.checked_origin(origin) == origin


@target(*messages(chat_pb.SubmitBatch))
def submit_batch(data: bytes) -> None:
    try:
        batch = chat_pb.SubmitBatch.FromString(data)
    except DecodeError:
        return
    for item in batch.items:
        with suppress(Refusal):
            follow(inbound(item.request))


@target("/cmd TOKEN text", "/new devbox ~/src fix it", "cmd:TOKEN:yes", "/quiet 22-7", "/use api", "hello")
def chat_texts(data: bytes) -> None:
    """As a message, as an answer, and as a button."""
    text = data.decode(errors="replace")
    request = chat_pb.SubmitRequest(update_key="u", text=text)
    request.chat.transport, request.chat.chat_id = "test", "1"
    follow(inbound(request))
    request.reply_to_message_id = "5"
    follow(inbound(request))
    request.button.data = text
    follow(inbound(request))


def follow(message: Inbound) -> None:
    """What becomes of a message before anything is looked up."""
    route(message)
    chat_command(message.text, CHAT_COMMANDS)
    made: Action | None = action_of(message.text, ())
    str(made).encode()


@target("rm -rf \u202e/", "👨\u200d👩", "\x1b[31m", "\U000e0061")
def what_people_approve(data: bytes) -> None:
    """Nothing that cannot be seen is left, and doing it again changes nothing."""
    shown = visible(data.decode(errors="replace"))
    assert not set(shown) & {*map(chr, range(9)), *map(chr, range(14, 32)), "\u202e", "\u2066", "\r", "\x7f"}
    assert visible(shown) == shown


@target("npm test --silent", "npm test; rm", "npm test $(rm)", "npm test\nrm", "npm test 'a'", "npm test \u2028rm")
def what_a_rule_lets(data: bytes) -> None:
    """One command of plain words, as any shell reads it."""
    line = data.decode(errors="replace")
    details = Details(input_json=json.dumps({"command": line}))
    asked = Permission("p", "s", "m", PermissionKind.TOOL, "Bash", line, "d", (), NOW, NOW, details=details)
    if begins(asked, "npm test"):
        words = line.split(" ")
        assert words[:2] == ["npm", "test"]
        assert shlex.split(line) == words
        assert line.isascii() and not set(line) & set(";&|$`(){}<>*?[]~!#'\"\\^\n\r\t")  # noqa: PT018


@target("⟦pointsman: x⟧", "a\n \u200b⟦", "\x85⟦", "a ⟦ b")
def what_no_other_text_says(data: bytes) -> None:
    """No line of it begins as what a session says to another."""
    plain = unmarked(data.decode(errors="replace"))
    assert not any(line.lstrip().startswith(MARK) for line in plain.splitlines())
    assert unmarked(plain) == plain


class OneMachine:
    """A database that holds one machine, for which one asks at a time."""

    async def read(self, _: Callable[[Any], Any]) -> list[Machine]:
        return [MACHINE]


CLOCK: Any = SimpleNamespace(now=lambda: NOW, monotonic=lambda: 0.0)
LOOP = asyncio.new_event_loop()


def signed(claims: object, **head: Any) -> str:
    return jwt.encode(claims, KEY, algorithm="EdDSA", headers=head)  # type: ignore[arg-type]


@target(
    signed(GOOD),
    signed(GOOD | {"exp": 10**400}),
    signed(GOOD | {"nbf": NOW, "jti": "j"}),
    signed(GOOD, kid="../../key", jku="https://evil.example"),
    jwt.encode(GOOD, "", algorithm="none"),
    jwt.encode(GOOD, "k" * 32, algorithm="HS256"),
)
def credentials(data: bytes) -> None:
    """Whoever is let in shows a token that the machine's key has signed, letter by letter."""
    database: Any = OneMachine()
    nothing: Any = SimpleNamespace()  # that a credential of a machine needs
    guard = Guard(nothing, nothing, database, nothing, nothing, CLOCK, "router", Turns(CLOCK))
    token = data.decode(errors="replace")
    shown = (("authorization", f"Bearer {token}"),)
    context: Any = SimpleNamespace(invocation_metadata=lambda: shown, peer=lambda: "ipv4:192.0.2.1:4711")
    try:
        LOOP.run_until_complete(guard.admit("/agentlink.v1.AgentLink/Connect", context))
    except Refusal as refusal:
        json.dumps(str(refusal))
    else:
        head, body, signature = token.strip().split(".")
        KEY.public_key().verify(jwt.utils.base64url_decode(signature), f"{head}.{body}".encode())


class OneSession:
    """A database that holds one machine with one session."""

    async def read(self, _: Callable[[Any], Any]) -> tuple[Machine, Session]:
        return MACHINE, SESSION


@target(
    signed(WORKER),
    signed(WORKER | {"generation": 10**400}),
    signed(WORKER | {"exp": float("nan")}),
    signed(WORKER | {"session": "\ud800", "nbf": NOW, "jti": 1}),
    signed(WORKER | {"role": ["worker"]}, kid="../../key"),
    jwt.encode(WORKER, "", algorithm="none"),
)
def worker_tokens(data: bytes) -> None:
    """As credentials, for the program of a session."""
    database: Any = OneSession()
    nothing: Any = SimpleNamespace()  # that is needed before a stream is opened
    tokens = WorkerTokens(database, nothing, CLOCK, "router", KEY.public_key())
    token = data.decode(errors="replace")
    try:
        held = LOOP.run_until_complete(tokens.admit(token))
    except Refusal as refusal:
        json.dumps(str(refusal))
    else:
        head, body, signature = token.strip().split(".")
        KEY.public_key().verify(jwt.utils.base64url_decode(signature), f"{head}.{body}".encode())
        assert (held.machine_id, held.session_id, held.generation) == ("devbox", "s-1", 1)


@target(bytes(160), KEY.public_key().public_bytes_raw() + bytes(128))
def another_key(data: bytes) -> None:
    """None takes the place of a machine's key that both have not signed for."""
    offered = Replacement(data[:32], data[32:96], data[96:])
    with suppress(Refusal):
        raise AssertionError(replaced(MACHINE, offered, "router", NOW))


@target("8-18", "22:00-07:00", "~/src/../api", "2.1.332 (Claude Code)", "v0.1.0", "K7QF-3M2X-PAWB", "Ada (telegram)")
def what_gates_judge(data: bytes) -> None:
    """What a machine says of itself, where somebody wants to start something, when; codes and names of people."""
    told = text_of(data)
    hours = quiet.read(told) or ""
    policy = MachinePolicy(folders=("/srv", "~/src"), hours=hours)
    machine = replace(MACHINE, agent_version=told[:64], programs=(f"claude={told[:64]}",), policy=policy)
    asked = Requirements("0.1", {"claude": "2.1"}, 90)
    attempt = Attempt(machine, asked, NOW, datetime.fromtimestamp(NOW, UTC).time(), told)
    for found in closed(attempt, *Way):
        found.text.encode()
    with suppress(Refusal):
        checked(replace(policy, folders=(told,), programs=(told,), hours=told))
    assert person.name_of(person.name_of(told)) == person.name_of(told)
    person.as_typed(told).encode()


def text_of(data: bytes) -> str:
    return data.decode(errors="replace")


@target("fix the test", 'a "b" OR c*', "NEAR(a b, 2) {text}: ^x -y + z", "\x00\x01 é 功能 \U0001f600", "x" * 300)
def searched_words(data: bytes) -> None:
    """Whatever is searched, the index is asked for words alone: it takes them, and finds nobody who said nothing."""
    said = data.decode(errors="replace")
    try:
        words = search.expression(said)
    except Refusal:
        return
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute('CREATE VIRTUAL TABLE said USING fts5(text, tokenize="unicode61 remove_diacritics 2")')
        connection.execute("INSERT INTO said(text) VALUES ('')")
        assert connection.execute("SELECT rowid FROM said WHERE said MATCH ?", [words]).fetchall() == []
