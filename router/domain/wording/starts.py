"""What people read in the chat about sessions that are started and ended from afar: a part of the one catalogue."""

from router.domain.command import CommandState

HOW = (
    "Say what the new session should do. For example:\n"
    "/new fix the failing test\n"
    "/new devbox ~/src/api/ fix the failing test\n"
    "/new devbox gemini ~/src/api/ fix the failing test\n"
    "The machine may be left out where there is only one, the coding agent where it is"
    " Claude Code, and the folder where the machine's first will do."
)
STARTS = {
    CommandState.QUEUED: "🚀 Starting on {machine}…",
    CommandState.SENT: "🚀 Starting on {machine}…",
    CommandState.RECEIVED: "🚀 Starting on {machine}…",
    CommandState.DONE: "🚀 Started {name} on {machine}. Reply to this message to go on; /end in a reply ends it.",
    CommandState.UNCERTAIN: "❓ Perhaps started on {machine}: {why}. /sessions shows whether it runs.",
    CommandState.CANCELLED: "↩️ Taken back: nothing was started.",
    CommandState.EXPIRED: "⌛ Not started on {machine}: {why}.",
    CommandState.DEAD: "❌ Not started on {machine}: {why}.",
    CommandState.FAILED: "❌ Not started on {machine}: {why}.",
}
STOPS = {
    CommandState.DONE: "⏹ {name} has ended.",
    CommandState.UNCERTAIN: "❓ {name} has perhaps ended: {why}. /sessions shows whether it runs.",
    CommandState.CANCELLED: "↩️ Taken back: {name} goes on.",
    CommandState.EXPIRED: "⌛ {name} was not ended: {why}.",
    CommandState.DEAD: "❌ {name} was not ended: {why}.",
    CommandState.FAILED: "❌ {name} was not ended: {why}.",
}
CLOSES = {
    CommandState.DONE: "🗄 The workspace of {name}: {how}.",
    CommandState.UNCERTAIN: "❓ The workspace of {name} was perhaps closed: {why}. /workspaces shows it.",
    CommandState.CANCELLED: "↩️ Taken back: the workspace of {name} stays.",
    CommandState.EXPIRED: "⌛ The workspace of {name} stays: {why}.",
    CommandState.DEAD: "❌ The workspace of {name} stays: {why}.",
    CommandState.FAILED: "❌ The workspace of {name} stays: {why}.",
}
PACKS = {
    CommandState.DONE: "🚚 The workspace of {name} is packed; the other machine gets it now.",
    CommandState.UNCERTAIN: "❓ The workspace of {name} stays where it is: {why}.",
    CommandState.CANCELLED: "↩️ Taken back: the workspace of {name} stays where it is.",
    CommandState.EXPIRED: "⌛ The workspace of {name} stays where it is: {why}.",
    CommandState.DEAD: "❌ The workspace of {name} stays where it is: {why}.",
    CommandState.FAILED: "❌ The workspace of {name} stays where it is: {why}.",
}
TAKES = PACKS | {CommandState.DONE: "🚚 The workspace of {name} is on the other machine: {how}."}
KEEPS = {
    CommandState.DONE: "♾ {name} goes on until /end.",
    CommandState.UNCERTAIN: "❓ {name} perhaps goes on after its 24 hours: {why}. Say it again to be sure.",
    CommandState.CANCELLED: "↩️ Taken back: {name} still ends after its 24 hours.",
    CommandState.EXPIRED: "⌛ {name} still ends after its 24 hours: {why}.",
    CommandState.DEAD: "❌ {name} still ends after its 24 hours: {why}.",
    CommandState.FAILED: "❌ {name} was not told to go on: {why}.",
}
