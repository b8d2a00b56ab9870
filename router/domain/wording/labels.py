"""What the router's buttons say, and what is said where one was pressed."""

from router.domain.wording.questions import actor_name

STALE_BUTTON = "This button is no longer valid."
ALREADY_PRESSED = "Already answered: {label}"
SENDING = "Sending: {what}"
LABELS = {
    "retry": "🔁 Retry",
    "send-to": "↪️ Send to…",
    "drop": "🗑 Drop",
    "back": "« Back",
    "cancel": "✋ Take back",
    "cancel-all": "✋ Take all back",
    "send": "▶️ Send now",
    "ask": "Ask me first",
    "dont-ask": "Just send",
    "say": "✅ Send",
    "say-file": "📎 Send the recording",
    "dont-say": "✖️ Cancel",
    "pause": "⏸ Pause",
    "resume": "▶️ Resume",
    "now": "▶️ Now",
    "off": "✋ Take back",
    "all": "✅ Do it to these",
    "end": "✋ End it",
    "go-on": "▶️ Continue then",
    "keep-note": "✅ Keep",
    "forget-note": "🗑 Forget",
    "take-note": "🔒 For me alone",
    "begin": "▶️ Start it",
    "allow": "✅ Allow",
    "allow_always": "✅ Allow always",
    "deny": "❌ Deny",
    "answer": "💬 Answer",
    "reason": "💬 Deny with reason",
    "for": "⏱ Allow for…",
}
TWO_HOURS = "⏱ 2 hours, here"
UNTIL = {20: "⏱ Until 20:00, here", 24: "⏱ Until midnight, here"}
ALLOW_FOR_WHAT = ("For how long? It is for exactly this, in this session.", "For this once, or not.")
SHOWS = {"quiet": "Quiet", "progress": "Progress", "everything": "Everything"}
CHOSE = "✓ {label}"
SIGNED = "{words} — {who}, {when}"
SENT_AGAIN = "🔁 Sent again to {name}."
DROPPED = "🗑 Dropped: it will not be typed."
SENT_NOW = "Sent."
TAKING_BACK = "Asked {machine} to take it back."
TAKEN_BACK = "Taken back."
CHOOSE_ONE = "Choose a session."
NO_OTHER_SESSION = "There is no other session."


def signed(words: str, actor: str, when: str) -> str:
    """What was done, by whom and when."""
    return SIGNED.format(words=words.rstrip("."), who=actor_name(actor), when=when)
