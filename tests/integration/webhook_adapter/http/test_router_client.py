"""The adapter's calls to the router, over real gRPC."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import control_pb2, types_pb2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from pointsman.client import convert
from pointsman.client.errors import RouterError
from pointsman.client.records import Button, Chat, CommandState, Machine, NotificationState, Origin
from tests.rigs.adapter import environment
from tests.rigs.faulty_router import NO_STORAGE, Fault, FaultyRouter
from tests.waiting import wait_until
from webhook_adapter.config import AdapterConfig
from webhook_adapter.model import Submission, command_text
from webhook_adapter.router.client import RouterClient
from webhook_adapter.router.errors import http_status

CERTIFICATE_LIFE = timedelta(hours=1)


def submission(key: str, **more: str) -> Submission:
    return Submission(key, Chat("telegram", "99", "12", "50"), "telegram:99", "hello", **more)


def stored(client: RouterClient, key: str) -> bool:
    try:
        client.submit(submission(key))
    except RouterError:
        return False
    return True


def test_a_submission_arrives_whole(router_client: RouterClient, router: FaultyRouter) -> None:
    done = router_client.submit(submission("k", reply_to_message_id="40", session_id="s1"))

    [kept] = router_client.own.commands()
    assert (done.command_id, done.state, done.session_id) == (kept.command_id, CommandState.QUEUED, "s1")
    assert not done.duplicate
    got = router.door.submitted["k"]
    assert (got.text, got.actor, got.reply_to_message_id, got.session_id) == ("hello", "telegram:99", "40", "s1")
    assert (got.chat.chat_id, got.chat.thread_id, got.chat.message_id) == ("99", "12", "50")
    assert not got.HasField("button")


def test_many_threads_share_one_stream(router_client: RouterClient, router: FaultyRouter) -> None:
    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda number: router_client.submit(submission(f"k{number}")), range(200)))

    assert len(done) == len(router.door.submitted) == 200
    assert sum(router.door.frames) == 200


def test_what_gathers_while_the_router_is_busy_goes_together(router_client: RouterClient, router: FaultyRouter) -> None:
    router.door.gate.clear()
    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(router_client.submit, submission(f"k{number}")) for number in range(16)]
        wait_until(lambda: router_client.submissions_waiting == 16)
        router.door.gate.set()
        assert len([each.result(10) for each in waiting]) == 16

    assert sum(router.door.frames) == 16


def test_the_same_key_again_is_a_duplicate(router_client: RouterClient) -> None:
    first, second = router_client.submit(submission("k")), router_client.submit(submission("k"))

    assert (first.duplicate, second.duplicate) == (False, True)


def test_a_refused_item_leaves_the_stream_alive(router_client: RouterClient, router: FaultyRouter) -> None:
    router.door.faults["Submit"] = NO_STORAGE
    with pytest.raises(RouterError, match="STORAGE_UNAVAILABLE"):
        router_client.submit(submission("a"))
    del router.door.faults["Submit"]

    router_client.submit(submission("b"))

    assert list(router.door.submitted) == ["b"]


def test_the_stream_comes_back_with_the_router(router_client: RouterClient, router: FaultyRouter) -> None:
    router_client.submit(submission("before"))
    router.stop()
    with pytest.raises(RouterError) as away:
        router_client.submit(submission("meanwhile"))
    router.start()

    wait_until(lambda: stored(router_client, "after"), 5.0)

    assert http_status(away.value) == 503
    assert set(router.door.submitted) == {"before", "after"}


def test_waiting_items_fail_when_the_router_stops(router_client: RouterClient, router: FaultyRouter) -> None:
    router.door.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(router_client.submit, submission("k"))
        wait_until(lambda: router.door.frames)
        router.door.gate.set()
        router.door.lose_next_stream = True
        router.door.faults["SubmitStream"] = Fault(grpc.StatusCode.UNAVAILABLE, "DRAINING")

        with pytest.raises(RouterError, match="DRAINING"):
            waiting.result(10)


def test_a_call_carries_its_own_key(router_client: RouterClient, router: FaultyRouter) -> None:
    viewer = router.real.key(control_pb2.ROLE_VIEWER)

    assert [each.session_id for each in router_client.control(viewer).sessions()] == ["s1"]
    with pytest.raises(RouterError, match="PERMISSION_DENIED"):
        router_client.control(viewer).cleanup()


def test_the_same_router_words_reach_the_caller(router_client: RouterClient, router: FaultyRouter) -> None:
    router.door.faults["ListSessions"] = NO_STORAGE

    with pytest.raises(RouterError) as refused:
        router_client.own.sessions()

    assert (refused.value.message, refused.value.retry_after) == ("nothing was stored; try again", 7)


def test_an_error_without_details_keeps_its_inside_to_itself(router_client: RouterClient, router: FaultyRouter) -> None:
    router.door.faults["GetNotification"] = Fault(grpc.StatusCode.UNKNOWN, "")

    with pytest.raises(RouterError) as failed:
        router_client.own.notification("any")

    assert (http_status(failed.value), failed.value.message) == (500, "the router failed; its log says why")


def test_a_state_of_a_newer_router_is_unknown(router_client: RouterClient, router: FaultyRouter) -> None:
    sent = router_client.own.send_text("s1", "x")
    newer = types_pb2.Command(command_id="c", state=77, reason=78)  # type: ignore[arg-type]
    router.door.changes["GetCommand"] = lambda answer: answer.command.CopyFrom(newer)

    command = router_client.own.command(sent.command_id)

    assert (command.state, command.reason, command.created_at) == (CommandState.UNKNOWN, "78", None)


def test_a_command_with_all_it_has(router_client: RouterClient) -> None:
    sent = router_client.own.send_key("s1", "esc", request="r", origin=Origin("web"))

    command = router_client.own.command(sent.command_id)

    assert (command.key, command.text, command.source, command.machine_id) == ("esc", "", "web", "devbox")
    assert (command.state, command.reason, command.created_at) == (CommandState.QUEUED, "", sent.created_at)


def test_dead_letters_and_what_people_do_with_them(router_client: RouterClient, router: FaultyRouter) -> None:
    control = router_client.own
    router.add_session("s2")
    for session_id in ("s1", "s1", "s2"):
        control.send_text(session_id, "x", ttl=timedelta(seconds=5))
    third, second, first = control.commands()
    control.unregister_session("s1")

    assert control.cancel(third.command_id).state is CommandState.CANCELLED
    assert [each.command_id for each in control.dead_letters(5).commands] == [second.command_id, first.command_id]
    assert control.redrive(first.command_id, "s2", request="r").redrive_of == first.command_id
    assert control.drop(second.command_id).dropped
    assert control.dead_letters(5).commands == []


def test_a_session_is_started_for_a_chat(router_client: RouterClient, router: FaultyRouter) -> None:
    place = Chat("web", "console", message_id="7")
    origin = Origin("web", "web:console", place)
    started = router_client.own.start("fix it", "devbox", "~/src", request="r", origin=origin)

    [asked] = router.door.asked(control_pb2.StartSessionRequest)
    assert (asked.machine_id, asked.folder, asked.prompt, asked.request_id) == ("devbox", "~/src", "fix it", "r")
    assert (asked.origin.chat.transport, asked.origin.chat.message_id) == ("web", "7")
    assert (started.text, started.source, started.actor) == ("fix it", "web", "web:console")


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        ({"option_id": "deny"}, "Deny"),
        ({"option_id": "deny", "text": "use the sandbox"}, "Deny: use the sandbox"),
        ({"option_id": "allow"}, "Allow"),
        ({"option_id": "always-2"}, "Allow always"),
        ({"option_id": "option-2"}, "An answer"),
        ({"option_id": "text", "text": "the second"}, "the second"),
    ],
)
def test_an_answer_to_a_question_is_told_in_words(decision: dict[str, str], told: str) -> None:
    made = types_pb2.PermissionDecision(permission_id="p", **decision)

    assert command_text(convert.command(types_pb2.Command(action=types_pb2.Action(permission_decision=made)))) == told


def test_last_words_and_open_questions_are_one_call_each(router: FaultyRouter, router_client: RouterClient) -> None:
    router_client.own.last_words()
    router_client.own.open_questions("s1")

    assert router.door.requests[-2:] == [
        control_pb2.ListNotificationsRequest(last_words=True, limit=1000),
        control_pb2.ListNotificationsRequest(session_id="s1", open_questions=True),
    ]


def test_a_notification_with_all_it_has(router_client: RouterClient) -> None:
    [sent] = router_client.own.notify(
        "s1", "done", buttons=(Button("Go on", "continue"),), chats=(Chat("telegram", "99"),), request="r"
    )

    (listed,) = router_client.own.words(session_id="s1", limit=5)

    assert listed == sent == router_client.own.notification(sent.notification_id)
    assert (sent.state, sent.buttons, sent.chat) == (
        NotificationState.QUEUED,
        (Button("Go on", "continue"),),
        Chat("telegram", "99"),
    )
    assert (bool(sent.token), bool(sent.created_at), sent.delivered_at) == (True, True, None)
    assert sent.token not in repr(sent)


def test_machines_and_join_tokens(router_client: RouterClient) -> None:
    [machine] = router_client.own.machines()
    token = router_client.own.create_join_token("attic", timedelta(hours=1))

    assert machine == Machine("devbox", False, False, False, "", made := machine.created_at, None, key_made_at=made)
    assert machine.created_at
    assert token.expires_at
    assert timedelta(minutes=59) < token.expires_at - machine.created_at < timedelta(minutes=61)
    assert token.join_token not in repr(token)


def test_figures_and_stories(router_client: RouterClient) -> None:
    sent = router_client.own.send_text("s1", "x", origin=Origin("rest", "ada"))

    stats = router_client.own.stats()
    [step] = router_client.own.trace(sent.command_id)

    assert (stats.commands["QUEUED"], stats.writable) == (1, True)
    assert 0 < stats.commit_p99 < 60
    assert (step.at, step.subject_id, step.event) == (sent.created_at, sent.command_id, "Accepted")
    assert (step.from_state, step.to_state) == ("", "QUEUED")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + CERTIFICATE_LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return cert, private


@pytest.mark.parametrize(("presents_own", "welcome"), [(True, True), (False, False)])
def test_over_tls_both_sides_show_who_they_are(
    certificate: tuple[Path, Path], data_dir: Path, presents_own: bool, welcome: bool
) -> None:
    cert, key = certificate
    pair = (key.read_bytes(), cert.read_bytes())
    secure = grpc.ssl_server_credentials([pair], cert.read_bytes(), require_client_auth=True)
    own = {"POINTSMAN_TLS_CERT": str(cert), "POINTSMAN_TLS_KEY": str(key)} if presents_own else {}
    with FaultyRouter(data_dir, secure) as router:
        environ = environment(f"localhost:{router.port}", POINTSMAN_TLS_CA=str(cert), **own)
        client = RouterClient(AdapterConfig.from_environ(environ))

        assert stored(client, "k") == welcome
        client.close()
