"""Who may call what: one line per RPC, and no RPC without one."""

import pytest
from agentlink.v1 import agent_link_pb2, chat_link_pb2, control_pb2, identity_pb2, memory_pb2
from google.protobuf.descriptor import ServiceDescriptor

from router.api.access import POLICY, Access
from router.domain.credentials import Role

SERVICES: list[ServiceDescriptor] = [
    service
    for module in (agent_link_pb2, chat_link_pb2, control_pb2, identity_pb2, memory_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
]
METHODS = {f"/{service.full_name}/{method.name}" for service in SERVICES for method in service.methods}

CHAT_LINK = {
    *("Submit", "SubmitStream", "PutPart", "Deliver", "GetPart", "ReportStranger", "ReportRefusal"),
    *(
        "OpenBrowser",
        "GetBrowser",
        "CloseBrowser",
        "Pair",
        "BeginPasskey",
        "AddPasskey",
        "TakeVoice",
        "PutTranscript",
        "TakeText",
        "PutEmbedding",
    ),
    *("GetPushKey", "Subscribe", "Unsubscribe", "GetSubscription", "Look", "MarkRead", "ListRead"),
}


def allowed(role: Role) -> set[str]:
    return {name.rpartition("/")[2] for name, who in POLICY.items() if not isinstance(who, Access) and role in who}


def test_every_rpc_has_one_policy_and_nothing_else_has() -> None:
    assert set(POLICY) == METHODS


def test_an_admin_may_call_everything_that_takes_a_key() -> None:
    assert len(allowed(Role.ADMIN)) == sum(not isinstance(who, Access) for who in POLICY.values())


def test_an_operator_may_do_everything_but_keys_machines_and_chat() -> None:
    for_admins = {
        *("CreateJoinToken", "ListJoinTokens", "RevokeJoinToken"),
        *("RevokeMachine", "RotateMachineKey", "SetMachinePolicy"),
        *("CreateApiKey", "ListApiKeys", "RevokeApiKey", "RotateApiKey"),
        *("ListAuditEntries", "VerifyAudit"),
        *("Bind", "Unbind"),
        *("Backup", "CreatePairingCode", "Unpair", "JoinPeople", "SetLadder", "SetSecondFactor", "SetPasskey"),
        *CHAT_LINK,
    }

    assert allowed(Role.ADMIN) - allowed(Role.OPERATOR) == for_admins


def test_a_chat_key_is_good_for_chat_links_alone() -> None:
    assert allowed(Role.CHAT) == CHAT_LINK


@pytest.mark.parametrize("name", sorted(allowed(Role.VIEWER)))
def test_a_viewer_only_reads(name: str) -> None:
    assert name.startswith(("Get", "List", "Recall", "Screen", "Search", "Trace", "Watch"))
    assert name != "ListApiKeys"


def test_links_and_their_files_are_for_machines_alone() -> None:
    names = {name.rpartition("/")[2] for name, who in POLICY.items() if who is Access.MACHINE}

    assert names == {"Connect", "RotateKey", "GetPart", "PutPart", "NotifyWithFiles"}


def test_only_enrolment_and_the_routers_own_proof_need_no_credential() -> None:
    assert [name.rpartition("/")[2] for name, who in POLICY.items() if who is Access.ANYONE] == ["Enroll", "Prove"]
