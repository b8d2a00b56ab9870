"""The tables as they are now, with their indexes. Migrations have frozen copies; a test compares the two."""

from router.store.tables.answer_rules import AnswerRule
from router.store.tables.audit import AuditAnchor, AuditEntry
from router.store.tables.batches import Batch
from router.store.tables.bindings import Binding
from router.store.tables.callbacks import Callback
from router.store.tables.chats import Chat, Hearer, HeldMessage, SessionTopic, Stranger, Voice, WorkMessage
from router.store.tables.commands import Cancel, Command, PoisonSuspect
from router.store.tables.deferred import Deferred
from router.store.tables.escalation import Escalation, Telling
from router.store.tables.machines import ApiKey, JoinToken, Machine
from router.store.tables.notes import Note, NoteEmbedding, NoteParts, NoteWords
from router.store.tables.notifications import FilePart, Message, Notification
from router.store.tables.people import (
    Browser,
    PairedChat,
    PairingCode,
    Passkey,
    Person,
    ReadMark,
    SecondFactor,
    Subscription,
)
from router.store.tables.quick import Proposed, QuickSession, QuickUse
from router.store.tables.session_messages import Consent, SessionMessage
from router.store.tables.sessions import Permission, Session
from router.store.tables.trace import IdempotencyRecord, Meta, TraceStep
from router.store.tables.workspaces import Workspace, WorkspaceMove

__all__ = [
    "AnswerRule", "ApiKey", "AuditAnchor", "AuditEntry", "Batch", "Binding", "Browser", "Callback", "Cancel",
    "Chat", "Command", "Consent", "Deferred", "Escalation", "FilePart", "Hearer", "HeldMessage",
    "IdempotencyRecord", "JoinToken", "Machine", "Message", "Meta", "Note", "NoteEmbedding", "NoteParts",
    "NoteWords", "Notification", "PairedChat", "PairingCode", "Passkey", "Permission", "Person", "PoisonSuspect",
    "Proposed", "QuickSession", "QuickUse", "ReadMark", "SecondFactor", "Session", "SessionMessage", "SessionTopic",
    "Stranger", "Subscription", "Telling", "TraceStep", "Voice", "WorkMessage", "Workspace",
    "WorkspaceMove",
]  # fmt: skip
