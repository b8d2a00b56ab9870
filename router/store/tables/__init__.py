"""The tables as they are now, with their indexes. Migrations have frozen copies; a test compares the two."""

from router.store.tables.audit import Meta, Request, Step
from router.store.tables.chats import Chat, Held, SessionPlace, Stranger
from router.store.tables.commands import Cancel, Command, Suspect
from router.store.tables.machines import ApiKey, JoinToken, Machine
from router.store.tables.notifications import FilePart, Message, Notification
from router.store.tables.sessions import Permission, Session

__all__ = [
    "ApiKey", "Cancel", "Chat", "Command", "FilePart", "Held", "JoinToken", "Machine",
    "Message", "Meta", "Notification", "Permission", "Request", "Session", "SessionPlace", "Step", "Stranger",
    "Suspect",
]  # fmt: skip
