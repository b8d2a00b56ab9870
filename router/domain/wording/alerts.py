"""What people are told unasked: of messages that do not arrive, of chats, and of what the router ended by itself."""

NOT_SHOWN = "⚠️ A message could not be shown here ({why}). On a machine: pointsman trace {id}"
SET_ASIDE = "set aside after {tries} tries, while others were answered: {why}"
CLOSED = (
    "⚠️ {platform} takes no messages for chat {chat}: {why}. What is written for it does not arrive until a person lets"
    " the bot in again."
)
MOVED = (
    "➡️ This chat has a new id: {new} instead of {old}. I go on here, but what you write is ignored until the adapter's"
    " ALLOWED_CHAT_IDS names the new one."
)
DIGEST = "🗞 {count} messages of {name} since {when}:"
DIGEST_WHOLE = "Whole texts: pointsman notifications --session {session} --json"
BUNDLE = "🏁 {count} sessions finished: {names}"
BUNDLE_WHOLE = "Whole texts: pointsman notifications --json"
TWO_OF_ONE = (
    "Two agents take turns as machine {machine}, mostly because a data directory was copied. Both are held off, and"
    " nothing is lost. Stop one and enrol it under a name of its own; restart the other."
)
HELD_OFF = "⛔ {why} Until then what is written for its sessions waits."
OLD_KEY_SHOWN = (
    "⚠️ Somebody showed the old key of {machine}, which was replaced, and was turned away. It may be its own agent, put"
    " back from an old copy or not restarted since it was enrolled anew. Else somebody else has its key: pointsman"
    " machine revoke {machine}, and enrol it again."
)
TOPICS_FAILED = (
    "No topic could be made here ({why}), so topics are off again and messages come as before. The chat must have"
    " topics turned on, and the bot must be an admin who may manage them. Then: /topics on"
)
UNSEEN = (
    "Nothing was heard of this session for 30 days: it has ended here, and what waited for it is a dead letter."
    " If it is still there, its machine brings it back when it connects; else register it again."
)
TOPIC_ENDED = "This session has ended; its topic is closed."
