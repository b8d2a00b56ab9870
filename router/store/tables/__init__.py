"""The tables as they are now. Migrations have frozen copies; a test compares the two."""

from router.store.tables.audit import Meta, Request, Step
from router.store.tables.chats import Chat, Held, SessionPlace, Stranger
from router.store.tables.commands import Cancel, Command, Suspect
from router.store.tables.machines import ApiKey, JoinToken, Machine
from router.store.tables.notifications import FilePart, Message, Notification
from router.store.tables.sessions import Permission, Session

__all__ = [
    "INDEXES", "TABLES", "ApiKey", "Cancel", "Chat", "Command", "FilePart", "Held", "JoinToken", "Machine",
    "Message", "Meta", "Notification", "Permission", "Request", "Session", "SessionPlace", "Step", "Stranger",
    "Suspect",
]  # fmt: skip

TABLES = [
    Meta, Machine, JoinToken, ApiKey, Session, Command, Notification, Permission, Message, Chat, SessionPlace, Request,
    Step, Suspect, Cancel, FilePart, Stranger, Held,
]  # fmt: skip

# Partial indexes: what is live is small, what is ended is large and rarely asked for.
INDEXES = [
    "CREATE INDEX commands_queued ON commands (machine_id, lane, position) WHERE state = 'queued'",
    "CREATE INDEX commands_live ON commands (machine_id, session_id) WHERE state IN ('queued', 'sent', 'received')",
    "CREATE INDEX commands_expiry ON commands (expires_at) WHERE state = 'queued'",
    "CREATE INDEX commands_session ON commands (session_id, position)",
    "CREATE INDEX commands_dead ON commands (position) WHERE state IN ('dead', 'uncertain') AND NOT dropped",
    "CREATE INDEX commands_redriven ON commands (redrive_of) WHERE redrive_of != ''",
    "CREATE INDEX commands_ended ON commands (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE INDEX notifications_queued ON notifications (transport, chat_id, kind, position) WHERE state = 'queued'",
    "CREATE INDEX notifications_sent ON notifications (transport) WHERE state = 'sent'",
    "CREATE INDEX notifications_session ON notifications (session_id, position)",
    "CREATE INDEX notifications_token ON notifications (token) WHERE token != ''",
    "CREATE INDEX notifications_command ON notifications (command_id, position) WHERE command_id != ''",
    "CREATE INDEX notifications_permission ON notifications (permission_id) WHERE permission_id != ''",
    "CREATE INDEX notifications_copies ON notifications (copy_of) WHERE copy_of != ''",
    "CREATE INDEX notifications_said ON notifications (session_id, position) WHERE text != '' AND command_id = ''",
    "CREATE INDEX permissions_open ON permissions (session_id, position) WHERE state = 'open'",
    "CREATE INDEX permissions_expiry ON permissions (expires_at) WHERE state = 'open'",
    "CREATE INDEX permissions_session ON permissions (session_id, position)",
    "CREATE INDEX messages_session ON messages (session_id)",
    "CREATE INDEX file_parts_age ON file_parts (created_at)",
    "CREATE INDEX file_parts_here ON file_parts (file_id, number, created_at)",
    "CREATE INDEX places_thread ON places (transport, chat_id, thread_id) WHERE thread_id != ''",
]
