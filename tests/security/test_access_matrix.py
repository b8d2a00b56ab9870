"""Every RPC that a router serves, called by everybody: who is let in stands in one table.

What is served is asked of the router itself. An RPC, a role or a kind of caller without a place in the table fails.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import agent_link_pb2, chat_link_pb2, control_pb2, identity_pb2, memory_pb2
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pool import Default
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.callbacks import OK, callback, report
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import session

# Who is let in: "anyone", "machine" (a JWT of its own key), "worker" (the program of a session, for which its machine
# signed), or roles of API keys. Everybody else is refused.
TABLE = """
AgentLink.Connect            machine
AgentLink.Enroll             anyone
AgentLink.GetPart            machine
AgentLink.NotifyWithFiles    machine
AgentLink.PutPart            machine
AgentLink.RotateKey          machine
ChatLink.AddPasskey          admin chat adapter
ChatLink.BeginPasskey        admin chat adapter
ChatLink.CloseBrowser        admin chat adapter
ChatLink.Deliver             admin chat adapter
ChatLink.GetBrowser          admin chat adapter
ChatLink.GetPart             admin chat adapter
ChatLink.GetPushKey          admin chat adapter
ChatLink.GetSubscription     admin chat adapter
ChatLink.Look                admin chat adapter
ChatLink.MarkRead            admin chat adapter
ChatLink.ListRead            admin chat adapter
ChatLink.OpenBrowser         admin chat adapter
ChatLink.Pair                admin chat adapter
ChatLink.PutEmbedding        admin chat adapter
ChatLink.PutPart             admin chat adapter
ChatLink.PutTranscript       admin chat adapter
ChatLink.ReportRefusal       admin chat adapter
ChatLink.ReportStranger      admin chat adapter
ChatLink.Submit              admin chat adapter
ChatLink.SubmitStream        admin chat adapter
ChatLink.Subscribe           admin chat adapter
ChatLink.TakeText            admin chat adapter
ChatLink.TakeVoice           admin chat adapter
ChatLink.Unsubscribe         admin chat adapter
Control.AllowFor             admin operator approver
Control.Ask                  admin operator worker
Control.Backup               admin
Control.CancelCommand        admin operator adapter
Control.Cleanup              admin operator
Control.CreateApiKey         admin
Control.CreateJoinToken      admin adapter
Control.CreatePairingCode    admin
Control.Defer                admin operator adapter worker
Control.CancelDeferred       admin operator adapter worker
Control.ChangeDeferred       admin operator adapter
Control.Follow               admin operator adapter
Control.Unfollow             admin operator adapter
Control.Mute                 admin operator adapter
Control.SetSummary           admin operator adapter
Control.SetChat              admin operator adapter
Control.JoinPeople           admin
Control.SetLadder            admin adapter
Control.Bind                 admin
Control.Unbind               admin
Control.ListBindings         admin operator viewer approver adapter
Control.ListWorkspaces       admin operator viewer approver adapter
Control.SayWorkspaceOver     admin operator adapter
Control.CloseWorkspace       admin operator adapter
Control.MoveWorkspace        admin operator adapter
Control.SweepWorkspaces      admin operator adapter
Control.DoToMany             admin operator approver
Control.DropDeadLetter       admin operator adapter
Control.EndConsent           admin operator adapter
Control.EndRule              admin operator approver adapter
Control.GetCommand           admin operator viewer approver adapter worker
Control.GetNotification      admin operator viewer approver adapter
Control.GetStats             admin operator viewer approver adapter
Control.ListApiKeys          admin
Control.ListAuditEntries     admin
Control.ListCommands         admin operator viewer approver adapter
Control.ListConsents         admin operator viewer approver adapter
Control.ListDeferred         admin operator viewer approver adapter worker
Control.ListOccurrences      admin operator viewer approver adapter
Control.ListDeadLetters      admin operator viewer approver adapter
Control.ListJoinTokens       admin
Control.ListMachines         admin operator viewer approver adapter
Control.ListNotifications    admin operator viewer approver adapter
Control.ListPeople           admin operator viewer approver adapter
Control.ListPermissions      admin operator viewer approver adapter
Control.ListRules            admin operator viewer approver adapter
Control.ListSessionMessages  admin operator viewer approver adapter worker
Control.ListSessions         admin operator viewer approver adapter worker
Control.ListStrangers        admin operator viewer approver adapter
Control.Notify               admin operator worker
Control.Redrive              admin operator adapter
Control.RegisterSession      admin operator
Control.RenameSession        admin operator adapter
Control.RespondPermission    admin operator approver
Control.RevokeApiKey         admin
Control.RotateApiKey         admin
Control.RevokeJoinToken      admin
Control.RevokeMachine        admin
Control.RotateMachineKey     admin
Control.Screen               admin operator viewer approver adapter worker
Control.Search               admin operator viewer approver adapter worker
Control.SendCommand          admin operator adapter worker
Control.SendToSession        worker
Control.CreateCallback       admin operator worker
Control.ReportBack           admin operator adapter
Control.SetMachinePolicy     admin
Control.SetPasskey           admin
Control.SetSecondFactor      admin
Control.StartSession         admin operator adapter
Control.StopSession          admin operator adapter
Control.Trace                admin operator viewer approver adapter
Control.Unpair               admin
Control.UnregisterSession    admin operator
Control.VerifyAudit          admin
Control.WatchEvents          admin operator viewer approver adapter worker
Control.WatchSession         admin operator viewer approver adapter worker
Memory.Forget                admin operator adapter worker
Memory.Keep                  admin operator adapter
Memory.List                  admin operator viewer approver adapter worker
Memory.Recall                admin operator viewer approver adapter worker
Memory.Remember              admin operator adapter worker
Health.Check                 anyone
Identity.Prove               anyone
Health.List                  anyone
Health.Watch                 anyone
ServerReflection.ServerReflectionInfo  anyone
"""

ALLOWED = {name: frozenset(who) for name, *who in map(str.split, TABLE.strip().splitlines())}
ROLES = [name.removeprefix("ROLE_").lower() for name in pb.Role.keys()[1:]]
STRANGERS = ("nobody", "an empty key", "a wrong key", "a revoked key", "a forged JWT", "a JWT sent as a key")
OUT = "UNAUTHENTICATED"
NOT_THIS_ROLE = "PERMISSION_DENIED"
NOT_FOR_WORKERS = "WORKER_MAY_NOT"
OWN = "session-of-the-worker"
HELLO = types.Action(input=types.Input(text="hello"))

# What has to be said for a stream to answer at all, or for a call not to wait.
REQUESTS = {
    "Control.WatchEvents": pb.WatchEventsRequest(session_id=OWN, after_event_id=1),
    "Control.WatchSession": pb.WatchSessionRequest(session_id=OWN, once=True),
    "Control.Screen": pb.ScreenRequest(session_id=OWN),
    "Control.Search": pb.SearchRequest(session_id=OWN, query="words"),
    "Control.Ask": pb.AskRequest(session_id=OWN, text="x"),
    "Control.Notify": pb.NotifyRequest(session_id=OWN, text="x"),
    "Control.SendCommand": pb.SendCommandRequest(session_id=OWN, action=HELLO, request_id="the workers"),
    "Control.Defer": pb.DeferRequest(session_id=OWN, text="x", when="in 2h", task=types.DEFERRED_TASK_TEXT),
    "Control.ListDeferred": pb.ListDeferredRequest(session_id=OWN),
    "Control.ListSessionMessages": pb.ListSessionMessagesRequest(session_id=OWN),
    "Control.DoToMany": pb.DoToManyRequest(doing=pb.DOING_ALLOW, items=[pb.ManyItem(id="nothing")]),
    "Control.Backup": pb.BackupRequest(path="nowhere"),
    "ServerReflection.ServerReflectionInfo": reflection_pb2.ServerReflectionRequest(list_services=""),
}

Metadata = tuple[tuple[str, str], ...]


def described(service: ServiceDescriptor) -> dict[str, MethodDescriptor]:
    return {f"{service.name}.{method.name}": method for method in service.methods}


OURS = [
    service
    for module in (agent_link_pb2, chat_link_pb2, control_pb2, identity_pb2, memory_pb2, health_pb2, reflection_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
]
RPCS = {name: method for service in OURS for name, method in described(service).items()}


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterUnderTest]:
    with serving(config(Path(tmp_path_factory.mktemp("matrix")))) as router:
        router.send(router.session(router.machine()))
        yield router


@pytest.fixture(scope="module")
def callers(router: RouterUnderTest) -> Mapping[str, Metadata]:
    """What each kind of caller shows."""
    revoked = router.control.CreateApiKey(pb.CreateApiKeyRequest(label="gone", role=pb.ROLE_ADMIN))
    router.control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=revoked.key.key_id))
    machine, put_out = router.machine("devbox"), router.machine("put-out")
    with machine.connected(sessions=[session(OWN)]) as link:
        link.heard()
    token = callback(router, OWN).token
    report(router.control, token)  # and again, whoever says it
    REQUESTS["Control.ReportBack"] = pb.ReportBackRequest(token=token, outcome=OK)
    REQUESTS["Control.CreateCallback"] = pb.CreateCallbackRequest(session_id=OWN)
    router.send(OWN)  # something has happened since: who may watch sees it
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="put-out"))
    keys = {
        "an empty key": "",
        "a wrong key": "pmk_" + "w" * 43,
        "a revoked key": revoked.secret,
        "a JWT sent as a key": machine.token(),
        **{role: router.key(pb.Role.Value(f"ROLE_{role.upper()}")) for role in ROLES},
    }
    tokens = {
        "machine": machine.token(),
        "worker": machine.worker_token(OWN),
        "a forged JWT": router.stranger("devbox").token(),
        "a revoked machine": put_out.token(),
    }
    return {
        "nobody": (),
        **{name: (("x-api-key", key),) for name, key in keys.items()},
        **{name: (("authorization", f"Bearer {token}"),) for name, token in tokens.items()},
    }


def answer(router: RouterUnderTest, name: str, metadata: Metadata) -> str:
    """ "in", or why not."""
    method, request = RPCS[name], REQUESTS.get(name)
    path = f"/{method.containing_service.full_name}/{method.name}"
    sent = b"" if request is None else request.SerializeToString()
    with grpc.insecure_channel(router.address) as channel:
        if method.client_streaming:
            call = channel.stream_stream(path)(iter([sent]), metadata=metadata, timeout=30)
        elif method.server_streaming:
            call = channel.unary_stream(path)(sent, metadata=metadata, timeout=30)
        else:
            call = iter([channel.unary_unary(path).future(sent, metadata=metadata, timeout=30)])
        try:
            for first in call:
                first.result() if isinstance(first, grpc.Future) else call.cancel()
                break
        except grpc.RpcError as error:
            return reason_of(error) if refused(error) else "in"
    return "in"


def refused(error: grpc.RpcError) -> bool:
    """Whether it is about who calls. A join token that is none is about what was asked."""
    assert error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
    access = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
    return error.code() in access and reason_of(error) != "JOIN_TOKEN_INVALID"


def expected(name: str, caller: str) -> str:
    allowed = ALLOWED[name]
    if allowed & {"anyone", caller}:
        return "in"
    if caller == "a revoked machine" and "machine" in allowed:
        return "MACHINE_REVOKED"
    if caller == "worker" and not allowed & {"machine"}:
        return NOT_FOR_WORKERS
    known = caller in ROLES and "machine" not in allowed
    return NOT_THIS_ROLE if known else OUT


@pytest.mark.parametrize("name", ALLOWED)
def test_who_is_let_in_is_what_the_table_says(
    router: RouterUnderTest, callers: Mapping[str, Metadata], name: str
) -> None:
    router.advance(3.0)  # so many wrong keys a call: there may be one a second
    with ThreadPoolExecutor(len(callers)) as at_once:  # some are told no only after a while
        answers = dict(zip(callers, at_once.map(partial(answer, router, name), callers.values()), strict=True))

    assert answers == {caller: expected(name, caller) for caller in callers}


def test_whatever_the_router_serves_has_a_row(router: RouterUnderTest) -> None:
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(router.address) as channel:
        [told] = ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]))
    services = [Default().FindServiceByName(one.name) for one in told.list_services_response.service]
    served = {name for service in services for name in described(service)}

    assert served == set(ALLOWED)


def test_every_role_may_do_something_and_no_other_is_named() -> None:
    named = {who for row in ALLOWED.values() for who in row} - {"anyone", "machine", "worker"}

    assert named == set(ROLES)


def test_everybody_calls(callers: Mapping[str, Metadata]) -> None:
    assert set(callers) == {*STRANGERS, *ROLES, "machine", "a revoked machine", "worker"}
