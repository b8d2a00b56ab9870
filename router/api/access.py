"""Which callers each RPC is for: one line per RPC, and what is not listed is nobody's."""

from collections.abc import Mapping
from enum import Enum

from router.domain.credentials import Role


class Access(Enum):
    """Kinds of callers that are no API keys."""

    ANYONE = "anyone"
    MACHINE = "machine"
    WORKER = "worker"  # the program in a session, in whose name nobody else speaks


READ = frozenset({Role.ADMIN, Role.OPERATOR, Role.APPROVER, Role.VIEWER, Role.ADAPTER})
OPERATE = frozenset({Role.ADMIN, Role.OPERATOR})
CONSOLE = OPERATE | {Role.ADAPTER}  # what people do on the console, for whom the adapter has looked who they are
APPROVE = OPERATE | {Role.APPROVER}
ADMIN = frozenset({Role.ADMIN})
CHAT = frozenset({Role.ADMIN, Role.CHAT, Role.ADAPTER})
_OF_BROWSERS = (
    *("OpenBrowser", "GetBrowser", "CloseBrowser", "BeginPasskey", "AddPasskey"),
    *("GetPushKey", "Subscribe", "Unsubscribe", "GetSubscription", "Look", "MarkRead", "ListRead"),
)

POLICY: Mapping[str, Access | frozenset[Role]] = {
    "/agentlink.v1.AgentLink/Connect": Access.MACHINE,
    "/agentlink.v1.AgentLink/Enroll": Access.ANYONE,  # the join token is the credential
    "/agentlink.v1.AgentLink/RotateKey": Access.MACHINE,
    "/agentlink.v1.Identity/Prove": Access.ANYONE,  # asked before anybody shows who they are
    "/agentlink.v1.AgentLink/GetPart": Access.MACHINE,
    "/agentlink.v1.AgentLink/PutPart": Access.MACHINE,
    "/agentlink.v1.AgentLink/NotifyWithFiles": Access.MACHINE,
    "/agentlink.v1.ChatLink/Submit": CHAT,
    "/agentlink.v1.ChatLink/PutPart": CHAT,
    "/agentlink.v1.ChatLink/SubmitStream": CHAT,
    "/agentlink.v1.ChatLink/Deliver": CHAT,
    "/agentlink.v1.ChatLink/GetPart": CHAT,
    "/agentlink.v1.ChatLink/ReportStranger": CHAT,
    "/agentlink.v1.ChatLink/ReportRefusal": CHAT,
    "/agentlink.v1.ChatLink/Pair": CHAT,
    "/agentlink.v1.ChatLink/TakeVoice": CHAT,
    "/agentlink.v1.ChatLink/PutTranscript": CHAT,
    "/agentlink.v1.ChatLink/TakeText": CHAT,
    "/agentlink.v1.ChatLink/PutEmbedding": CHAT,
    **dict.fromkeys((f"/agentlink.v1.ChatLink/{name}" for name in _OF_BROWSERS), CHAT),
    "/agentlink.v1.Control/RegisterSession": OPERATE,
    "/agentlink.v1.Control/UnregisterSession": OPERATE,
    "/agentlink.v1.Control/ListSessions": READ,
    "/agentlink.v1.Control/SendCommand": CONSOLE,
    "/agentlink.v1.Control/GetCommand": READ,
    "/agentlink.v1.Control/ListCommands": READ,
    "/agentlink.v1.Control/CancelCommand": CONSOLE,
    "/agentlink.v1.Control/Redrive": CONSOLE,
    "/agentlink.v1.Control/DropDeadLetter": CONSOLE,
    "/agentlink.v1.Control/ListDeadLetters": READ,
    "/agentlink.v1.Control/Notify": OPERATE,
    "/agentlink.v1.Control/GetNotification": READ,
    "/agentlink.v1.Control/ListNotifications": READ,
    "/agentlink.v1.Control/ListMachines": READ,
    "/agentlink.v1.Control/CreateJoinToken": ADMIN | {Role.ADAPTER},
    "/agentlink.v1.Control/ListJoinTokens": ADMIN,
    "/agentlink.v1.Control/RevokeJoinToken": ADMIN,
    "/agentlink.v1.Control/RevokeMachine": ADMIN,
    "/agentlink.v1.Control/RotateMachineKey": ADMIN,
    "/agentlink.v1.Control/SetMachinePolicy": ADMIN,
    "/agentlink.v1.Control/CreateApiKey": ADMIN,
    "/agentlink.v1.Control/ListApiKeys": ADMIN,
    "/agentlink.v1.Control/RotateApiKey": ADMIN,
    "/agentlink.v1.Control/RevokeApiKey": ADMIN,
    "/agentlink.v1.Control/Trace": READ,
    "/agentlink.v1.Control/WatchEvents": READ,
    "/agentlink.v1.Control/WatchSession": READ,
    "/agentlink.v1.Control/Search": READ,
    "/agentlink.v1.Control/Screen": READ,
    "/agentlink.v1.Control/Cleanup": OPERATE,
    "/agentlink.v1.Control/GetStats": READ,
    "/agentlink.v1.Control/Backup": ADMIN,
    "/agentlink.v1.Control/ListPermissions": READ,
    "/agentlink.v1.Control/Ask": OPERATE,
    "/agentlink.v1.Control/RespondPermission": APPROVE,
    "/agentlink.v1.Control/StartSession": CONSOLE,
    "/agentlink.v1.Control/StopSession": CONSOLE,
    "/agentlink.v1.Control/RenameSession": CONSOLE,
    "/agentlink.v1.Control/ListAuditEntries": ADMIN,
    "/agentlink.v1.Control/VerifyAudit": ADMIN,
    "/agentlink.v1.Control/ListStrangers": READ,
    "/agentlink.v1.Control/CreatePairingCode": ADMIN,
    "/agentlink.v1.Control/ListPeople": READ,
    "/agentlink.v1.Control/Unpair": ADMIN,
    "/agentlink.v1.Control/SetSecondFactor": ADMIN,
    "/agentlink.v1.Control/SetPasskey": ADMIN,
    "/agentlink.v1.Control/ListDeferred": READ,
    "/agentlink.v1.Control/ListOccurrences": READ,
    "/agentlink.v1.Control/SendToSession": Access.WORKER,
    "/agentlink.v1.Control/CreateCallback": OPERATE,
    "/agentlink.v1.Control/ReportBack": CONSOLE,  # for whoever has the callback token in it
    "/agentlink.v1.Control/AllowFor": APPROVE,
    "/agentlink.v1.Control/ListRules": READ,
    "/agentlink.v1.Control/EndRule": APPROVE | {Role.ADAPTER},
    "/agentlink.v1.Control/DoToMany": APPROVE | CONSOLE,  # and looks which of the two it takes
    "/agentlink.v1.Control/ListSessionMessages": READ,
    "/agentlink.v1.Control/ListConsents": READ,
    "/agentlink.v1.Control/EndConsent": CONSOLE,
    **{f"/agentlink.v1.Control/{name}": CONSOLE for name in ("Defer", "CancelDeferred", "ChangeDeferred")},
    **{f"/agentlink.v1.Control/{name}": CONSOLE for name in ("Follow", "Unfollow", "Mute", "SetSummary", "SetChat")},
    "/agentlink.v1.Control/ListWorkspaces": READ,
    **{f"/agentlink.v1.Control/{name}": CONSOLE for name in ("SayWorkspaceOver", "CloseWorkspace", "SweepWorkspaces")},
    "/agentlink.v1.Control/MoveWorkspace": CONSOLE,
    "/agentlink.v1.Control/JoinPeople": ADMIN,
    "/agentlink.v1.Control/SetLadder": ADMIN | {Role.ADAPTER},  # which asks for the person at a browser alone
    "/agentlink.v1.Control/Bind": ADMIN,
    "/agentlink.v1.Control/Unbind": ADMIN,
    "/agentlink.v1.Control/ListBindings": READ,
    **{f"/agentlink.v1.Memory/{name}": CONSOLE for name in ("Remember", "Forget", "Keep")},
    **{f"/agentlink.v1.Memory/{name}": READ for name in ("Recall", "List")},
}

_CONTROL = "/agentlink.v1.Control/"
OF_WORKERS = frozenset(
    _CONTROL + name for name in (
        "Ask", "GetCommand", "ListSessions", "Notify", "SendCommand", "WatchEvents", "WatchSession", "Search", "Screen",
        "SendToSession", "CreateCallback", "ListSessionMessages", "Defer", "ListDeferred", "CancelDeferred")
) | {f"/agentlink.v1.Memory/{name}" for name in ("Remember", "Recall", "Forget", "List")}  # fmt: skip
"""What a worker token opens beside what keys do: each of these looks at the session that it is for."""

IN_SCOPE = frozenset(f"{_CONTROL}{name}" for name in (
    "RegisterSession", "UnregisterSession", "ListSessions", "StartSession", "StopSession", "RenameSession",
    "SendCommand", "GetCommand", "ListCommands", "CancelCommand", "Redrive", "DropDeadLetter", "ListDeadLetters",
    "Notify", "GetNotification", "ListNotifications", "ListMachines", "ListPermissions", "RespondPermission", "Ask",
    "Trace", "WatchEvents", "WatchSession", "Search", "Screen", "Defer", "ListDeferred", "CancelDeferred",
    "ChangeDeferred", "ListOccurrences", "Follow", "Unfollow", "Mute", "ListSessionMessages", "ListConsents",
    "EndConsent", "AllowFor", "ListRules", "EndRule", "DoToMany", "ListWorkspaces", "SayWorkspaceOver",
    "CloseWorkspace", "MoveWorkspace", "SweepWorkspaces", "CreateCallback",
))  # fmt: skip
"""What a key opens that is limited to some machines and sessions: each of these looks at its scope."""
