"""A key that is limited to some machines and sessions gets nothing of the others: they are not there.

Each RPC that such a key may call has a row; a new one without fails.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from google.protobuf.message import Message

from router.api.access import IN_SCOPE, POLICY
from router.domain.credentials import MAY_BE_LIMITED, Role
from tests.integration.router.harness import Caller, RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask
from tests.rigs.adapter import environment
from tests.rigs.consent_changes import a_consent
from tests.rigs.rpc_errors import reason_of
from tests.rigs.rule_changes import a_standing_rule
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.told_events import tell
from tests.rigs.workspace_changes import LISTED, NAMED, a_workspace
from tests.security.test_api_keys import told_refused
from tests.waiting import wait_until
from webhook_adapter.config import AdapterConfig
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient

DAY = 86400.0
CHAT, IN_2033 = types.ChatRef(transport="test", chat_id="1"), {"seconds": 2 * 10**9 + 50 * 86400}
WORDS = types.Action(input=types.Input(text="run it", submit=True))
TEXT = types.DEFERRED_TASK_TEXT
CONTROL = pb.DESCRIPTOR.services_by_name["Control"]


@dataclass(frozen=True)
class Ids:
    """One world: a machine, its session, and what was said there."""

    machine: str
    session: str
    command: str
    dead: str
    notification: str
    question: str
    deferred: str
    consent: str
    rule: str
    workspace: str


NOWHERE = Ids(*(f"nowhere-{field.name}" for field in fields(Ids)))


def world(router: RouterUnderTest, word: str) -> Ids:
    """All of it has that word in it."""
    machine, session = router.machine(f"{word}-box"), f"{word}-session"
    router.control.RegisterSession(registered(session, machine.machine_id, f"{word} label"))
    dead = router.send(session, f"{word} lost")
    assert router.notify(session, CHAT, text=f"{word} undelivered")
    router.advance(2 * DAY)  # nobody took them
    command = router.send(session, f"{word} words")
    [note] = router.notify(session, CHAT, text=f"{word} news")
    later = pb.DeferRequest(when="every 30d", session_id=session, text=f"{word} later", task=TEXT)
    return Ids(
        machine.machine_id, session, command.command_id, dead.command_id, note.notification_id,
        asked(machine, session, word), router.control.Defer(later).deferred.deferred_id, a_consent(router, word),
        a_standing_rule(router, word), a_workspace(router, machine.machine_id, session, word),
    )  # fmt: skip


def asked(machine: ThinAgent, session: str, word: str) -> str:
    with machine.connected() as link:
        tell(link, session, 1, f"{word} said so")
        return ask(link, session, tool=f"{word} tool")


def registered(session: str, machine: str, label: str) -> pb.RegisterSessionRequest:
    return pb.RegisterSessionRequest(session_id=session, machine_id=machine, label=label)


@dataclass(frozen=True)
class Worlds:
    router: RouterUnderTest
    inside: Ids
    outside: Ids


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    with serving(config(Path(tmp_path_factory.mktemp("scopes")))) as router:
        yield Worlds(router, world(router, "inside"), world(router, "outside"))


LIMITS: Mapping[str, dict[str, list[str]]] = {
    "by machine": {"machines": ["nothing", "inside-*"]},
    "by label": {"sessions": ["inside *"]},
    "by id": {"sessions": ["inside-session"]},
    "by both": {"machines": ["inside-*", "out*-other"], "sessions": ["inside*", "outside*"]},
}


def limited(router: RouterUnderTest, limit: dict[str, list[str]], role: Any = pb.ROLE_OPERATOR) -> Caller:
    return router.caller(router.control.CreateApiKey(pb.CreateApiKeyRequest(label="ci", role=role, **limit)).secret)


@pytest.fixture(scope="module", params=LIMITS)
def key(worlds: Worlds, request: pytest.FixtureRequest) -> Caller:
    return limited(worlds.router, LIMITS[request.param])


# What names something: outside it is answered as what is not there. What lists: nothing of it is told.
NAMING: dict[str, Callable[[Ids], Message]] = {
    "UnregisterSession": lambda ids: pb.UnregisterSessionRequest(session_id=ids.session),
    "SendCommand": lambda ids: pb.SendCommandRequest(session_id=ids.session, action=WORDS),
    "GetCommand": lambda ids: pb.GetCommandRequest(command_id=ids.command),
    "CancelCommand": lambda ids: pb.CancelCommandRequest(command_id=ids.command),
    "CancelDeferred": lambda ids: pb.CancelDeferredRequest(deferred_id=ids.deferred),
    "ChangeDeferred": lambda ids: pb.ChangeDeferredRequest(deferred_id=ids.deferred, change=pb.DEFERRED_CHANGE_PAUSE),
    "Defer": lambda ids: pb.DeferRequest(when="in 10m", session_id=ids.session, text="x", task=TEXT),
    "AllowFor": lambda ids: pb.AllowForRequest(permission_id=ids.question, input_digest="d1"),
    "EndRule": lambda ids: pb.EndRuleRequest(rule_id=ids.rule),
    "EndConsent": lambda ids: pb.EndConsentRequest(consent_id=ids.consent),
    "Redrive": lambda ids: pb.RedriveRequest(command_id=ids.dead),
    "DropDeadLetter": lambda ids: pb.DropDeadLetterRequest(command_id=ids.dead),
    "Notify": lambda ids: pb.NotifyRequest(session_id=ids.session, text="hello", targets=[CHAT]),
    "Follow": lambda ids: pb.FollowRequest(session_id=ids.session, chats=[CHAT]),
    "Unfollow": lambda ids: pb.UnfollowRequest(session_id=ids.session, chats=[CHAT]),
    "Mute": lambda ids: pb.MuteRequest(session_id=ids.session, chat=CHAT),
    "Ask": lambda ids: pb.AskRequest(session_id=ids.session, text="Which?"),
    "GetNotification": lambda ids: pb.GetNotificationRequest(notification_id=ids.notification),
    "Trace": lambda ids: pb.TraceRequest(id=ids.command),
    "RespondPermission": lambda ids: pb.RespondPermissionRequest(permission_id=ids.question, option_id="allow"),
    "StartSession": lambda ids: pb.StartSessionRequest(machine_id=ids.machine, prompt="go"),
    "StopSession": lambda ids: pb.StopSessionRequest(session_id=ids.session),
    "RenameSession": lambda ids: pb.RenameSessionRequest(session_id=ids.session, label="mine"),
    "Search": lambda ids: pb.SearchRequest(query="said", session_id=ids.session),
    "WatchSession": lambda ids: pb.WatchSessionRequest(session_id=ids.session, once=True),
    "RegisterSession": lambda ids: registered("inside-new", ids.machine, "inside new"),
} | NAMED
LISTING: dict[str, list[Callable[[Ids], Message]]] = {
    "ListSessions": [lambda _: pb.ListSessionsRequest(include_ended=True)],
    "ListCommands": [lambda _: pb.ListCommandsRequest(), lambda ids: pb.ListCommandsRequest(session_id=ids.session)],
    "ListDeadLetters": [lambda _: pb.ListDeadLettersRequest()],
    "ListNotifications": [
        lambda _: pb.ListNotificationsRequest(),
        lambda ids: pb.ListNotificationsRequest(session_id=ids.session),
        lambda _: pb.ListNotificationsRequest(open_questions=True),
    ],
    "Search": [lambda _: pb.SearchRequest(query="said"), lambda _: pb.SearchRequest(query="said outside")],
    "ListDeferred": [lambda _: pb.ListDeferredRequest(include_over=True)],
    "ListOccurrences": [lambda _: pb.ListOccurrencesRequest(since={"seconds": 2 * 10**9}, until=IN_2033)],
    "ListRules": [lambda _: pb.ListRulesRequest(include_over=True)],
    "ListConsents": [lambda _: pb.ListConsentsRequest(include_over=True)],
    "ListSessionMessages": [lambda _: pb.ListSessionMessagesRequest()],
    "ListMachines": [lambda _: pb.ListMachinesRequest()],
    "ListPermissions": [
        lambda _: pb.ListPermissionsRequest(include_closed=True),
        lambda ids: pb.ListPermissionsRequest(permission_id=ids.question),
    ],
} | LISTED
WHOLE: dict[str, Message] = {
    "Cleanup": pb.CleanupRequest(),
    "GetStats": pb.GetStatsRequest(),
    "ListBindings": pb.ListBindingsRequest(),
    "ListStrangers": pb.ListStrangersRequest(),
    "SetSummary": pb.SetSummaryRequest(chat=CHAT),
    "SetChat": pb.SetChatRequest(chat=CHAT, quiet="22-7"),
    "ReportBack": pb.ReportBackRequest(),
    "ListPeople": pb.ListPeopleRequest(),
}
STREAMED = {"WatchEvents", "DoToMany"}  # of the second each item is judged by itself


def roles(name: str) -> frozenset[Role]:
    allowed = POLICY[f"/agentlink.v1.Control/{name}"]
    return allowed if isinstance(allowed, frozenset) else frozenset()


def test_every_rpc_that_a_limited_key_may_call_has_a_row() -> None:
    callable_by_limited = {method.name for method in CONTROL.methods if roles(method.name) & MAY_BE_LIMITED}

    assert callable_by_limited == {*NAMING, *LISTING, *WHOLE, *STREAMED}
    assert {f"/agentlink.v1.Control/{name}" for name in {*NAMING, *LISTING, *STREAMED}} == IN_SCOPE


def whole(answer: object) -> list[object]:
    """All of it, where it is a stream: its refusal comes with what is read of it."""
    return list(answer) if isinstance(answer, Iterator) else [answer]


def refused(caller: Caller, name: str, request: Message) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as error:
        whole(getattr(caller.control, name)(request))
    return reason_of(error.value), error.value.details() or ""


@pytest.mark.parametrize("name", NAMING)
def test_what_is_outside_is_answered_as_what_is_not_there(worlds: Worlds, key: Caller, name: str) -> None:
    (reason, told), nowhere = (refused(key, name, NAMING[name](ids)) for ids in (worlds.outside, NOWHERE))

    assert reason == nowhere[0]
    for real, invented in zip(vars(worlds.outside).values(), vars(NOWHERE).values(), strict=True):
        told = told.replace(real, invented)
    assert told == nowhere[1]


@pytest.mark.parametrize("name", LISTING)
def test_lists_tell_nothing_of_what_is_outside(worlds: Worlds, key: Caller, name: str) -> None:
    answers = [str(getattr(key.control, name)(request(worlds.outside))) for request in LISTING[name]]

    assert "outside" not in "".join(answers)
    assert "inside" in answers[0]


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_about_all_of_them_is_refused(key: Caller, name: str) -> None:
    assert refused(key, name, WHOLE[name])[0] == "OUT_OF_SCOPE"


@pytest.mark.parametrize("of", ["", "outside-session", "outside label"])
def test_who_watches_sees_what_is_inside_alone(worlds: Worlds, key: Caller, of: str) -> None:
    router = worlds.router
    call = key.control.WatchEvents(pb.WatchEventsRequest(after_event_id=1, session_id=of), timeout=30)
    call.initial_metadata()
    router.send(worlds.outside.session, "outside again")
    last = router.send(worlds.inside.session, "inside again")

    if of:
        router.settle()
        call.cancel()
        with pytest.raises(grpc.RpcError) as ended:
            next(call)
        assert ended.value.code() is grpc.StatusCode.CANCELLED
        return
    seen = []
    for event in call:
        seen.append(str(event))
        if event.step.subject_id == last.command_id:
            break
    call.cancel()
    assert "outside" not in "".join(seen)
    assert len(seen) > 3


@pytest.mark.parametrize("name", ["GetCommand", "GetNotification", "Trace", "SendCommand", "Notify"])
def test_what_is_inside_is_theirs(worlds: Worlds, key: Caller, name: str) -> None:
    assert getattr(key.control, name)(NAMING[name](worlds.inside)).ByteSize()


def test_a_page_is_filled_with_what_is_inside(worlds: Worlds, key: Caller) -> None:
    for _ in range(3):
        worlds.router.send(worlds.outside.session, "outside newest")

    [newest] = key.control.ListCommands(pb.ListCommandsRequest(limit=1)).commands

    assert newest.session_id == worlds.inside.session


def test_a_name_that_others_have_too_is_theirs_alone(worlds: Worlds) -> None:
    router = worlds.router
    for word in ("inside", "outside"):
        router.control.RegisterSession(registered(f"{word}-twin", f"{word}-box", "twin"))
    twin = router.send("inside-twin", "inside twin")
    by_machine = limited(router, LIMITS["by machine"])

    found = by_machine.control.ListCommands(pb.ListCommandsRequest(session_id="twin")).commands

    assert [command.command_id for command in found] == [twin.command_id]


def test_nobody_makes_a_session_that_they_do_not_reach(worlds: Worlds) -> None:
    by_label = limited(worlds.router, LIMITS["by label"])

    new = refused(by_label, "RegisterSession", registered("other", "inside-box", "outside label"))
    renamed = refused(by_label, "RegisterSession", registered("inside-session", "inside-box", "outside label"))
    taken = refused(by_label, "RegisterSession", registered("outside-session", "inside-box", "inside label"))

    assert (new[0], renamed[0], taken[0]) == ("OUT_OF_SCOPE", "OUT_OF_SCOPE", "SESSION_UNKNOWN")
    assert worlds.router.control.ListSessions(pb.ListSessionsRequest(machine_id="outside-box")).sessions


def test_the_audit_tells_whose_key_was_refused(data_dir: Path) -> None:
    with serving(config(data_dir)) as router:
        by_label = limited(router, LIMITS["by label"])
        refused(by_label, "GetStats", pb.GetStatsRequest())

        [entry] = wait_until(lambda: told_refused(router)) or []

        assert (entry.label, entry.subject, entry.detail) == ("ci", "Control/GetStats", "OUT_OF_SCOPE")


def test_nor_is_one_started(data_dir: Path) -> None:
    with serving(config(data_dir)) as router:
        for name in ("inside-box", "outside-box"):
            with router.machine(name).connected(start_folders=["/src"]):
                pass
        by_both = limited(router, {"machines": ["inside-*"], "sessions": ["api*"]})

        by_folder = refused(by_both, "StartSession", pb.StartSessionRequest(folder="/src/web", prompt="go"))
        started = by_both.control.StartSession(pb.StartSessionRequest(folder="/src/api", prompt="go"))

        assert by_folder[0] == "OUT_OF_SCOPE"
        assert started.session.machine_id == "inside-box"  # and is not asked on which machine: there is one
        assert len(router.control.ListSessions(pb.ListSessionsRequest()).sessions) == 1


@pytest.mark.parametrize("role", [pb.ROLE_ADMIN, pb.ROLE_CHAT, pb.ROLE_ADAPTER])
def test_keys_that_act_for_everybody_are_not_limited(worlds: Worlds, role: "pb.Role.ValueType") -> None:
    request = pb.CreateApiKeyRequest(label="x", role=role, machines=["inside-*"])

    assert refused(worlds.router.admin, "CreateApiKey", request)[0] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("patterns", [[""], ["x" * 129], ["x"] * 21])
def test_patterns_that_are_none_are_refused(worlds: Worlds, patterns: list[str]) -> None:
    request = pb.CreateApiKeyRequest(label="x", role=pb.ROLE_VIEWER, sessions=patterns)

    assert refused(worlds.router.admin, "CreateApiKey", request)[0] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("role", [pb.ROLE_VIEWER, pb.ROLE_APPROVER])
def test_a_role_that_may_less_may_no_more_inside(worlds: Worlds, role: "pb.Role.ValueType") -> None:
    caller = limited(worlds.router, LIMITS["by machine"], role)

    assert refused(caller, "SendCommand", NAMING["SendCommand"](worlds.inside))[0] == "PERMISSION_DENIED"
    assert "outside" not in str(caller.control.ListCommands(pb.ListCommandsRequest()))


def test_it_stays_limited_after_a_restart_and_over_http(data_dir: Path) -> None:
    with serving(config(data_dir)) as router:
        for word in ("inside", "outside"):
            router.control.RegisterSession(registered(f"{word}-session", router.machine(f"{word}-box").machine_id, ""))
        secret = limited(router, LIMITS["by machine"]).key
        router.restart()
        environ = environment(router.address)
        client = RouterClient(AdapterConfig.from_environ(environ))
        app = create_app(AdapterConfig.from_environ(environ), client).test_client()

        listed = app.get("/sessions", headers={"X-API-Key": secret})
        cleaned = app.post("/cleanup", headers={"X-API-Key": secret})

        client.close()
        assert [each["sessionId"] for each in listed.json or []] == ["inside-session"]
        assert cleaned.status_code == 403
