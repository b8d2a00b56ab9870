"""The stores of all tables. One that is not here keeps its rows for ever, and its deadlines on a clock that was set."""

from router.store import (
    api_keys,
    audience,
    browsers,
    commands,
    deferred,
    files,
    held,
    idempotency,
    join_tokens,
    messages,
    notifications,
    pairing_codes,
    permissions,
    read_marks,
    session_topics,
    sessions,
    strangers,
    subscriptions,
    tables,
    trace,
    voices,
    work_messages,
)
from router.store.upkeep import Store

STORES = (
    Store(tables.Command, commands.shift, commands.purge, stats=commands.stats),
    Store(tables.Notification, notifications.shift, notifications.purge, stats=notifications.stats),
    Store(tables.Permission, permissions.shift, permissions.purge),
    Store(tables.Deferred, deferred.shift, deferred.purge),
    # In this order: a session goes after the messages that speak of it, and what chats have for it goes after it.
    Store(tables.Message, purge=messages.purge),
    Store(tables.Session, sessions.shift, sessions.purge, patient=True),
    Store(tables.SessionTopic, purge=session_topics.purge),
    Store(tables.Hearer, purge=audience.purge),
    Store(tables.WorkMessage, purge=work_messages.purge),
    Store(tables.ReadMark, purge=read_marks.purge),
    Store(tables.TraceStep, purge=trace.purge),
    Store(tables.Stranger, purge=strangers.purge),
    # What is good for a time only: whatever was done to the clock, it is kept for that and no longer.
    Store(tables.IdempotencyRecord, idempotency.shift, idempotency.purge, kept=idempotency.KEPT, patient=True),
    Store(tables.FilePart, files.shift, files.purge, kept=files.KEPT, batch=files.BATCH, patient=True),
    Store(tables.HeldMessage, held.shift, held.purge, kept=held.KEPT),
    Store(tables.Voice, voices.shift, voices.purge, kept=voices.KEPT),
    Store(tables.Browser, browsers.shift, browsers.purge, kept=browsers.KEPT),
    Store(tables.Subscription, subscriptions.shift, subscriptions.purge, kept=subscriptions.KEPT),
    Store(tables.PairingCode, pairing_codes.shift, pairing_codes.purge, kept=pairing_codes.KEPT),
    Store(tables.JoinToken, join_tokens.shift, join_tokens.purge),
    Store(tables.ApiKey, api_keys.shift),
    # What these hold counts until it is changed, and has no time that decides anything.
    Store(tables.Machine),
    Store(tables.Chat),
    Store(tables.Person),
    Store(tables.PairedChat),
    Store(tables.SecondFactor),
    Store(tables.Passkey),
    Store(tables.PoisonSuspect),
    Store(tables.Cancel),
    # Cut by retention itself: as long as the settings say, and never while the clock is in doubt.
    Store(tables.AuditEntry),
    Store(tables.AuditAnchor),
    Store(tables.Meta),
)
TABLES = [store.model._meta.table_name for store in STORES]
