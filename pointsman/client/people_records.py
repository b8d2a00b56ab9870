"""Persons who were let in, as the router tells of them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from pointsman.client.permission_records import Permission
from pointsman.client.records import Chat


class PersonRole(Enum):
    """What a person may do; UNKNOWN is also whoever has the key, who may do everything."""

    UNKNOWN = "UNKNOWN"
    OPERATOR = "OPERATOR"
    APPROVER = "APPROVER"
    VIEWER = "VIEWER"


@dataclass(frozen=True, slots=True)
class Answer:
    """What people said to a question; empty where nobody did before it was over."""

    text: str
    permission: Permission


@dataclass(frozen=True, slots=True)
class PairedChat:
    """A chat in which a person may write, and as whom."""

    chat: Chat
    user_id: str
    paired_at: datetime | None


@dataclass(frozen=True, slots=True)
class PersonBrowser:
    """A browser that is let into the console."""

    browser_id: str
    label: str
    opened_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was let in; without an id, whoever has the key. No patterns: all machines, all sessions."""

    person_id: str
    name: str
    role: PersonRole
    machines: tuple[str, ...]
    sessions: tuple[str, ...]
    created_at: datetime | None
    chats: tuple[PairedChat, ...]
    browsers: tuple[PersonBrowser, ...]
    has_second_factor: bool = False
    passkeys: int = 0


@dataclass(frozen=True, slots=True)
class Ladder:
    """How a person is asked again, and about what beside questions, in words."""

    ladder: str
    concerns: str = "none"


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """How a chat wants to be treated, in the words that set it; an empty one changes nothing."""

    quiet: str = ""
    limits: str = ""
    zone: str = ""
    bundles: str = ""
    shows: str = ""
    topics: str = ""
    policy: str = ""


@dataclass(frozen=True, slots=True)
class NewPairingCode:
    """Shown once."""

    code: str = field(repr=False)
    expires_at: datetime | None
