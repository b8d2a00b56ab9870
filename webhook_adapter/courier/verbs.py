"""Which verbs of a transport bring a message."""

from webhook_adapter.transports.transport import (
    ChatNews,
    ChatRef,
    Deletes,
    Delivered,
    Edits,
    Kind,
    Outgoing,
    Reacts,
    Refused,
    SendOutcome,
    TellsNews,
    Transport,
)

MARK = "👍"  # the one that every platform with reactions lets programs give


def news_of(transport: Transport, chat: ChatRef) -> ChatNews:
    """How things stand with a chat; without limits there is never any news."""
    return transport.news(chat) if isinstance(transport, TellsNews) else ChatNews()


def bring(transport: Transport, message: Outgoing) -> SendOutcome:
    """Bring one message as well as the platform can."""
    if message.as_mark and isinstance(transport, Reacts):
        marked = transport.react(message.chat, message.reply_to_message_id, MARK)
        if not isinstance(marked, Refused):
            return marked
        # Nobody waits for a mark that does not work here: the words say the same.
    if message.edit_message_ids and isinstance(transport, Edits):
        return transport.edit(message)
    if message.edit_message_ids and message.kind is Kind.WORK:
        return Delivered(message.edit_message_ids)  # a new one each time would be a flood
    if not message.text:
        return Delivered(message.edit_message_ids)  # nothing but buttons to take away, and what stands stays
    outcome = transport.send(message)
    if isinstance(outcome, Delivered) and isinstance(transport, Deletes):
        # After the new one: who dies between the two leaves one too many, never none.
        for old in message.edit_message_ids:
            transport.delete(message.chat, old)
    return outcome
