"""Why the router says no. Every refusal is one of the protocol's reasons and a text that says what to do."""

from enum import Enum


class Reason(Enum):
    """Why something ended, was refused or was closed; names as in agentlink.v1, without the prefix."""

    __hash__ = object.__hash__  # Enum's own is Python's, and each command asks

    UNSPECIFIED = 0
    ACK_TIMEOUT = 1
    LINK_SUPERSEDED = 2
    DUPLICATE_MACHINE = 3
    SESSION_RESTARTED = 4
    SESSION_ENDED = 5
    SESSION_UNKNOWN = 6
    POISON_SUSPECT = 7
    MACHINE_REVOKED = 8
    TOO_OLD = 9
    TOO_MANY_ATTEMPTS = 10
    TTL_EXPIRED = 11
    CANCELLED = 12
    INBOX_LOST = 13
    AGENT_RESTARTED = 14
    BACKEND_ERROR = 15
    TARGET_GONE = 16
    EXIT_CODE = 17
    UNSUPPORTED = 18
    TOO_LARGE = 19
    QUEUE_FULL = 20
    CLOCK_SKEW = 21
    UNAUTHENTICATED = 22
    PERMISSION_DENIED = 23
    REQUEST_ID_REUSED = 24
    INVALID_ARGUMENT = 25
    NOT_FOUND = 26
    ILLEGAL_STATE = 27
    STORAGE_UNAVAILABLE = 28
    BUSY = 29
    JOIN_TOKEN_INVALID = 30
    SESSION_OWNED_ELSEWHERE = 31
    PLATFORM_REFUSED = 32
    BAD_FRAME = 33
    PROTOCOL_VERSION = 34
    DRAINING = 35
    SILENCE = 36
    ROUTER_RESTORED = 40
    QUESTION_OVER = 50
    INPUT_CHANGED = 51
    NOT_TAKEN = 55
    DIALOG_OPEN = 60
    LINE_IN_USE = 61
    FOLDER_NOT_ALLOWED = 62
    TOO_MANY_SESSIONS = 63
    CONVERSATION_OPEN = 64
    FILE_GONE = 70
    NOT_PAIRED = 71
    PAIRING_CODE_INVALID = 72
    SECOND_FACTOR_NEEDED = 73
    CREDENTIAL_OLD = 80
    AGENT_TOO_OLD = 81
    START_NOT_ALLOWED = 82
    OUTSIDE_HOURS = 83
    PROGRAM_NOT_ALLOWED = 84
    PROGRAM_TOO_OLD = 85
    NO_ROOM = 86
    KEY_REPLACED = 87
    KEY_EXPIRED = 90
    OUT_OF_SCOPE = 91
    TOO_MANY_WRONG_KEYS = 92
    WORKER_EXPIRED = 93
    WORKER_SESSION_OVER = 94
    WORKER_OTHER_SESSION = 95
    WORKER_MAY_NOT = 96
    QUOTA_SESSIONS = 97
    QUOTA_FILES = 98
    QUOTA_MESSAGES = 99
    TOO_MANY_CALLS = 100
    EVENTS_BEGAN_ANEW = 101
    WATCHER_TOO_SLOW = 102
    MACHINE_AWAY = 103
    SCREEN_SILENT = 104
    EVENTS_GONE = 105
    INPUT_NOT_EDITABLE = 106
    MODE_NOT_ALLOWED = 107
    NOT_IN_AUDIENCE = 111
    TOO_MANY_HOPS = 113
    LADDER_UNCLEAR = 112
    WHEN_UNCLEAR = 114
    QUOTA_DEFERRED = 115
    RIGHT_LOST = 116
    NOT_CONSENTED = 117
    QUOTA_NOTES = 118
    LOOKS_SECRET = 119
    QUICK_SPENT = 128
    NO_MODEL = 129
    NOT_BOUND = 122
    WORKSPACE_FAILED = 126
    WORKSPACE_FULL = 127


class Refusal(Exception):
    """The router says no, and changed nothing.

    `text` is for the caller and says what to do; `retry_after` in seconds is set where trying again helps; `metadata`
    holds what a program needs of it.
    """

    def __init__(self, reason: Reason, text: str, retry_after: float | None = None, **metadata: str) -> None:
        super().__init__(f"{reason.name}: {text}")
        self.metadata = metadata
        self.reason = reason
        self.text = text
        self.retry_after = retry_after


class IllegalTransition(Exception):
    """The state table has no such row; nothing was changed."""
