"""Who did it is whom the router authenticated: a claim stands beside that, and only those who bring it may make one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from google.protobuf.duration_pb2 import Duration

from router.api.access import POLICY
from router.domain.audit import AuditEntry, AuditEvent
from router.services.refusals import WINDOW
from router.store import audit
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask
from tests.rigs import callbacks, machine_changes, note_changes
from tests.rigs.consent_changes import an_ended_consent
from tests.rigs.key_changes import a_revoked_key, a_rotated_key, an_api_key, key
from tests.rigs.person_changes import PEOPLE_CHANGED
from tests.rigs.rule_changes import a_rule, an_ended_rule
from tests.rigs.thin_agent import session
from tests.waiting import wait_until

ADA = types.Origin(source="cli", actor="Ada the admin")
CHAT = types.ChatRef(transport="test", chat_id="1")
PASSWORD = "correct horse battery staple"
IN_ITS_TRACE = "what became of it is told by its trace, with who caused it"
CHANGES_NOTHING = "it changes nothing"
OF_A_LINK = "a link says what became of commands and notifications, which their traces tell"

# Every RPC: the event that it leaves in the audit, or why it leaves none.
LEAVES: dict[str, AuditEvent | str] = {
    "AgentLink/Connect": OF_A_LINK,
    "AgentLink/Enroll": AuditEvent.MACHINE_ENROLLED,
    "Identity/Prove": CHANGES_NOTHING,
    "AgentLink/GetPart": CHANGES_NOTHING,
    "AgentLink/PutPart": OF_A_LINK,
    "AgentLink/NotifyWithFiles": IN_ITS_TRACE,
    "ChatLink/Submit": IN_ITS_TRACE,
    "ChatLink/PutPart": IN_ITS_TRACE,
    "ChatLink/SubmitStream": IN_ITS_TRACE,
    "ChatLink/Deliver": OF_A_LINK,
    "ChatLink/GetPart": CHANGES_NOTHING,
    "ChatLink/TakeVoice": CHANGES_NOTHING,
    "ChatLink/PutTranscript": IN_ITS_TRACE,  # of what a person sends of it
    "ChatLink/OpenBrowser": AuditEvent.LOGIN,
    "ChatLink/GetBrowser": CHANGES_NOTHING,
    "ChatLink/CloseBrowser": AuditEvent.LOGOUT,
    "ChatLink/GetPushKey": CHANGES_NOTHING,
    "ChatLink/Subscribe": AuditEvent.SUBSCRIBED,
    "ChatLink/Unsubscribe": AuditEvent.UNSUBSCRIBED,
    "ChatLink/GetSubscription": CHANGES_NOTHING,
    **{f"ChatLink/{name}": CHANGES_NOTHING for name in ("Look", "MarkRead", "ListRead", "TakeText", "PutEmbedding")},
    "ChatLink/Pair": AuditEvent.PAIRED,
    "ChatLink/BeginPasskey": CHANGES_NOTHING,
    "ChatLink/AddPasskey": AuditEvent.PASSKEY_ADDED,
    "Control/CreatePairingCode": AuditEvent.CODE_CREATED,
    "Control/ListPeople": CHANGES_NOTHING,
    "Control/Unpair": AuditEvent.UNPAIRED,
    "Control/JoinPeople": AuditEvent.JOINED,
    **dict.fromkeys(("Control/Follow", "Control/Unfollow"), "a chat that was let in hears of what it may know"),
    "Control/Bind": AuditEvent.BOUND,
    "Control/Unbind": AuditEvent.UNBOUND,
    "Control/ListBindings": CHANGES_NOTHING,
    **dict.fromkeys(("Control/SetLadder", "Control/Mute", "Control/SetChat"), "how loud it is opens nothing"),
    "Control/SetSecondFactor": AuditEvent.SECOND_FACTOR_SET,
    "Control/SetPasskey": AuditEvent.PASSKEYS_REMOVED,
    "ChatLink/ReportRefusal": AuditEvent.REFUSED,
    "ChatLink/ReportStranger": "whoever is not allowed gets nothing by being known",
    **{f"Control/{name}Session": IN_ITS_TRACE for name in ("Register", "Unregister", "Rename")},
    **callbacks.LEAVES,
    **{f"Control/{name}": CHANGES_NOTHING for name in ("ListSessions", "GetCommand", "ListCommands")},
    **{f"Control/{name}": IN_ITS_TRACE for name in ("SendCommand", "CancelCommand", "SendToSession")},
    **{f"Control/{name}": IN_ITS_TRACE for name in ("Redrive", "MoveWorkspace")},
    "Control/DropDeadLetter": IN_ITS_TRACE,
    **{f"Control/{name}": IN_ITS_TRACE for name in ("Defer", "CancelDeferred", "ChangeDeferred", "SetSummary")},
    "Control/ListDeferred": CHANGES_NOTHING,
    **{f"Control/{name}": CHANGES_NOTHING for name in ("ListOccurrences", "ListWorkspaces")},
    **{f"Control/{name}": CHANGES_NOTHING for name in ("ListRules", "ListSessionMessages", "ListConsents")},
    "Control/AllowFor": AuditEvent.RULE_MADE,
    "Control/EndRule": AuditEvent.RULE_ENDED,
    "Control/DoToMany": AuditEvent.QUESTION_ANSWERED,
    **{f"Control/{name}": IN_ITS_TRACE for name in ("SayWorkspaceOver", "CloseWorkspace", "SweepWorkspaces")},
    "Control/EndConsent": AuditEvent.CONSENT_DECIDED,
    "Control/ListDeadLetters": CHANGES_NOTHING,
    "Control/Notify": IN_ITS_TRACE,
    "Control/GetNotification": CHANGES_NOTHING,
    "Control/ListNotifications": CHANGES_NOTHING,
    "Control/ListMachines": CHANGES_NOTHING,
    "Control/CreateJoinToken": AuditEvent.JOIN_CREATED,
    "Control/ListJoinTokens": CHANGES_NOTHING,
    "Control/RevokeJoinToken": AuditEvent.JOIN_REVOKED,
    "Control/SetMachinePolicy": AuditEvent.POLICY_SET,
    "Control/RevokeMachine": AuditEvent.MACHINE_REVOKED,
    "Control/RotateMachineKey": AuditEvent.MACHINE_KEY_WANTED,
    "AgentLink/RotateKey": AuditEvent.MACHINE_KEY_REPLACED,
    "Control/CreateApiKey": AuditEvent.KEY_CREATED,
    "Control/ListApiKeys": CHANGES_NOTHING,
    "Control/RevokeApiKey": AuditEvent.KEY_REVOKED,
    "Control/RotateApiKey": AuditEvent.KEY_ROTATED,
    **{f"Control/{name}": CHANGES_NOTHING for name in ("Trace", "WatchEvents", "WatchSession", "Search", "Screen")},
    "Control/Cleanup": AuditEvent.CLEANUP,
    "Control/GetStats": CHANGES_NOTHING,
    "Control/Backup": AuditEvent.BACKUP,
    "Control/ListPermissions": CHANGES_NOTHING,
    "Control/Ask": IN_ITS_TRACE,
    "Control/RespondPermission": AuditEvent.QUESTION_ANSWERED,
    "Control/StartSession": AuditEvent.SESSION_STARTED,
    "Control/StopSession": AuditEvent.SESSION_STOPPED,
    "Control/ListStrangers": CHANGES_NOTHING,
    "Control/ListAuditEntries": CHANGES_NOTHING,
    "Control/VerifyAudit": CHANGES_NOTHING,
} | note_changes.NOTES_LEAVE


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


def told(router: RouterUnderTest, event: AuditEvent) -> list[AuditEntry]:
    return [each for each in router.read(lambda c: audit.after(c, 0, 0.0, 1000)) if each.event == event.value]


def a_refusal(router: RouterUnderTest) -> str:
    router.chat.ReportRefusal(chat_pb.ReportRefusalRequest(door="console", peer="192.0.2.7"))
    wait_until(lambda: told(router, AuditEvent.REFUSED))
    return "console"


def a_cleanup(router: RouterUnderTest) -> str:
    router.control.Cleanup(pb.CleanupRequest())
    return ""


def a_backup(router: RouterUnderTest) -> str:
    path = str(router.config.data_dir / "copy.db")
    router.control.Backup(pb.BackupRequest(path=path))
    return path


def an_answer(router: RouterUnderTest) -> str:
    machine = router.machine()
    session_id = router.session(machine)
    with machine.connected() as link:
        question = ask(link, session_id)
        router.control.RespondPermission(
            pb.RespondPermissionRequest(permission_id=question, option_id="deny", input_digest="d1", text=PASSWORD)
        )
    return question


def a_start(router: RouterUnderTest) -> str:
    router.machine("devbox")
    return router.control.StartSession(pb.StartSessionRequest(machine_id="devbox", prompt=PASSWORD)).session.session_id


def a_stop(router: RouterUnderTest) -> str:
    session_id = a_start(router)
    router.control.StopSession(pb.StopSessionRequest(session_id=session_id))
    return session_id


DONE: dict[AuditEvent, Callable[[RouterUnderTest], str]] = {
    AuditEvent.KEY_CREATED: an_api_key,
    AuditEvent.KEY_REVOKED: a_revoked_key,
    AuditEvent.KEY_ROTATED: a_rotated_key,
    AuditEvent.JOIN_CREATED: machine_changes.a_join_token,
    AuditEvent.JOIN_REVOKED: machine_changes.a_revoked_join_token,
    AuditEvent.MACHINE_ENROLLED: machine_changes.a_machine,
    AuditEvent.MACHINE_REVOKED: machine_changes.a_revoked_machine,
    AuditEvent.MACHINE_KEY_WANTED: machine_changes.a_wish_for_a_key,
    AuditEvent.MACHINE_KEY_REPLACED: machine_changes.a_replaced_key,
    AuditEvent.POLICY_SET: machine_changes.a_policy,
    AuditEvent.BOUND: machine_changes.a_binding,
    AuditEvent.UNBOUND: machine_changes.an_ended_binding,
    AuditEvent.REFUSED: a_refusal,
    AuditEvent.CLEANUP: a_cleanup,
    AuditEvent.BACKUP: a_backup,
    AuditEvent.QUESTION_ANSWERED: an_answer,
    AuditEvent.SESSION_STARTED: a_start,
    AuditEvent.SESSION_STOPPED: a_stop,
    AuditEvent.CONSENT_DECIDED: an_ended_consent,
    AuditEvent.RULE_MADE: a_rule,
    AuditEvent.RULE_ENDED: an_ended_rule,
    **PEOPLE_CHANGED,
    **callbacks.CHANGED,
} | note_changes.NOTES_CHANGED


def test_every_rpc_leaves_an_entry_or_has_a_reason_to_leave_none() -> None:
    assert {f"/agentlink.v1.{name}" for name in LEAVES} == set(POLICY)
    assert {event for event in LEAVES.values() if isinstance(event, AuditEvent)} == set(DONE)


@pytest.mark.parametrize(("event", "do"), DONE.items(), ids=lambda value: getattr(value, "value", ""))
def test_it_leaves_that_entry(router: RouterUnderTest, event: AuditEvent, do: Callable[[RouterUnderTest], str]) -> None:
    [settings_key] = told(router, AuditEvent.SETTINGS_KEY_TAKEN)

    subject = do(router)

    entry = told(router, event)[-1]
    assert entry.subject == subject
    assert entry.peer
    who = (entry.kind, entry.identity)
    assert who == ("nobody", "") if event is AuditEvent.MACHINE_ENROLLED else ("key", settings_key.subject)


def test_the_key_of_the_settings_is_told_of_where_it_becomes_one(router: RouterUnderTest) -> None:
    router.restart()

    [taken] = told(router, AuditEvent.SETTINGS_KEY_TAKEN)  # known at the second start

    assert taken.kind == "router"


def test_it_holds_no_secret_and_no_typed_text(router: RouterUnderTest) -> None:
    secrets = [PASSWORD, router.config.api_key, key(router, pb.ROLE_ADMIN).secret, token := router.join_token()]
    router.stranger().enrol(token)
    an_answer(router)
    a_stop(router)
    refused(router, "pmk_" + "w" * 43)
    wait_until(lambda: told(router, AuditEvent.REFUSED))

    held = repr(router.read(lambda c: audit.after(c, 0, 0.0, 1000)))

    assert [secret for secret in [*secrets, "pmk_", "pmj_", "w" * 43] if secret in held] == []


def test_an_operator_who_claims_to_be_another_is_seen_as_himself(router: RouterUnderTest) -> None:
    made = key(router, pb.ROLE_OPERATOR, "mallory")
    mallory, session_id = router.caller(made.secret).control, router.session(router.machine("devbox"))

    action = types.Action(input=types.Input(text="hello", submit=True))
    sent = mallory.SendCommand(pb.SendCommandRequest(session_id=session_id, action=action, origin=ADA)).command
    started = mallory.StartSession(pb.StartSessionRequest(prompt="go", origin=ADA))

    assert sent.origin.actor == "mallory"
    [accepted] = [step for step in router.trace(sent.command_id) if step.event == "Accepted"]
    assert (accepted.actor, accepted.identity) == ("mallory", f"{made.key.key_id} (mallory)")
    [entry] = told(router, AuditEvent.SESSION_STARTED)
    assert (entry.subject, entry.identity, entry.claimed) == (started.session.session_id, made.key.key_id, "")


def test_an_operator_answers_a_question_as_himself(router: RouterUnderTest) -> None:
    made, machine = key(router, pb.ROLE_OPERATOR, "mallory"), router.machine()
    with machine.connected() as link:
        question = ask(link, router.session(machine))
        answer = pb.RespondPermissionRequest(permission_id=question, option_id="allow", input_digest="d1", origin=ADA)
        decided = router.caller(made.secret).control.RespondPermission(answer).permission

    assert decided.decided_by == "mallory"
    [entry] = told(router, AuditEvent.QUESTION_ANSWERED)
    assert (entry.identity, entry.label, entry.claimed) == (made.key.key_id, "mallory", "")
    assert "allow" in entry.detail
    [step] = [step for step in router.trace(question) if step.event == "Decided"]
    assert (step.actor, step.identity) == ("mallory", f"{made.key.key_id} (mallory)")


def test_whom_a_chats_adapter_names_stands_beside_the_adapter(router: RouterUnderTest) -> None:
    made, machine = key(router, pb.ROLE_CHAT, "adapter"), router.machine("devbox")
    router.session(machine)

    submit = chat_pb.SubmitRequest(update_key="u", chat=CHAT, text="/new go on", actor="telegram:4711 (Ada)")
    said = router.caller(made.secret).chat.Submit(submit)

    accepted = router.trace(said.command_id)[0]
    assert (accepted.actor, accepted.identity) == ("telegram:4711 (Ada)", f"{made.key.key_id} (adapter)")
    [entry] = told(router, AuditEvent.SESSION_STARTED)
    assert (entry.identity, entry.claimed) == (made.key.key_id, "telegram:4711 (Ada)")


def refused(router: RouterUnderTest, secret: str) -> None:
    with pytest.raises(grpc.RpcError):
        router.caller(secret).control.CreateApiKey(pb.CreateApiKeyRequest(label="x", role=pb.ROLE_ADMIN))


def test_a_refusal_is_told_once_and_then_counted(router: RouterUnderTest, caplog: pytest.LogCaptureFixture) -> None:
    operator = key(router, pb.ROLE_OPERATOR, "mallory")

    for _ in range(5):
        refused(router, operator.secret)
    refused(router, "pmk_" + "w" * 43)
    first = wait_until(lambda: len(found := told(router, AuditEvent.REFUSED)) == 2 and found)
    router.advance(WINDOW + 1)
    counted = wait_until(lambda: told(router, AuditEvent.REFUSED)[2:])

    assert [(each.identity, each.subject, each.detail) for each in first or []] == [
        (operator.key.key_id, "Control/CreateApiKey", "PERMISSION_DENIED"),
        ("", "Control/CreateApiKey", "UNAUTHENTICATED"),
    ]
    assert [(each.identity, each.detail) for each in counted or []] == [
        (operator.key.key_id, "PERMISSION_DENIED: 4 more in the same minute")
    ]
    warned = [record.getMessage() for record in caplog.records if record.getMessage().startswith("refused")]
    assert len(warned) == 3
    assert operator.secret not in caplog.text


def test_a_wrong_join_token_is_told_of(router: RouterUnderTest) -> None:
    with pytest.raises(grpc.RpcError):
        router.stranger("devbox").enrol("pmj_" + "w" * 43)

    [entry] = wait_until(lambda: told(router, AuditEvent.REFUSED)) or []

    assert (entry.kind, entry.subject, entry.detail) == ("nobody", "AgentLink/Enroll", "JOIN_TOKEN_INVALID")


def test_a_wrong_pairing_code_is_told_of(router: RouterUnderTest) -> None:
    shown = chat_pb.OpenBrowserRequest(login_id="l" * 32, lifetime=Duration(seconds=60), code="WRONG-CODE")
    with pytest.raises(grpc.RpcError):
        router.chat.OpenBrowser(shown)

    [entry] = wait_until(lambda: told(router, AuditEvent.REFUSED)) or []

    assert (entry.kind, entry.subject, entry.detail) == ("key", "ChatLink/OpenBrowser", "PAIRING_CODE_INVALID")


def test_a_machine_that_was_put_out_is_told_of(router: RouterUnderTest) -> None:
    machine = router.machine("devbox")
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="devbox"))

    machine.dial().ended()

    [entry] = wait_until(lambda: told(router, AuditEvent.REFUSED)) or []
    assert (entry.kind, entry.subject, entry.detail) == ("nobody", "AgentLink/Connect", "MACHINE_REVOKED")


def test_a_machine_that_speaks_for_anothers_session_is_told_of(router: RouterUnderTest) -> None:
    victim, thief = router.session(router.machine("devbox")), router.machine("thief")

    with thief.connected(sessions=[session(victim)]) as link:
        link.frame(session_update=session(victim, upstream_seq=1))
        link.acked(1)
        [entry] = wait_until(lambda: told(router, AuditEvent.REFUSED)) or []

    assert (entry.kind, entry.identity, entry.detail) == ("machine", "thief", "SESSION_OWNED_ELSEWHERE")


def test_noise_at_the_door_does_not_fill_the_audit(router: RouterUnderTest) -> None:
    for number in range(50):
        refused(router, f"pmk_{number:043}")
    router.settle()

    assert {each.detail for each in told(router, AuditEvent.REFUSED)} == {"UNAUTHENTICATED", "TOO_MANY_WRONG_KEYS"}
    assert len(told(router, AuditEvent.REFUSED)) == 2
