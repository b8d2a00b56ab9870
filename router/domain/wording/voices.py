"""What people are asked about recordings."""

HEARD = "🎤 I heard{where}:\n\n{text}\n\nSend it? Reply to this message with other words to send those."
NOT_HEARD = (
    "🎤 I could not hear what was said: {why}\nSend the recording itself? Or reply to this message with words to send."
)
FOR = " for {name}"
LATE = "nobody turned it into text."
NO_WORDS = "there were no words in it."
NOT_KEPT = "That recording is not kept any more: it waits for a day. Say it again."
TOO_MANY = "{count} recordings of this chat wait already. Send or cancel those first, and say it again."
DROPPED = "Nothing was sent."
OTHER_WORDS = "Other words"
