"""What people read of control signals: a part of the one catalogue."""

from router.domain.command import CommandState
from router.domain.session import Session

CONTROLS = {
    CommandState.DONE: "⚙️ {name}: {what}.{output}",
    CommandState.UNCERTAIN: "❓ {name}: perhaps {what}: {why}.",
    CommandState.CANCELLED: "↩️ Taken back: {what}.",
    CommandState.EXPIRED: "⌛ {name} was not told {what}: {why}.",
    CommandState.DEAD: "❌ {name} was not told {what}: {why}.",
    CommandState.FAILED: "❌ {name} did not do {what}: {why}.",
}
OLDER_AGENT = "The agent on {machine} is older than this: update it, or write the command as a text."
NO_BYPASS = (
    "bypassPermissions asks nothing any more. It can be chosen only where Claude Code was started with it allowed"
    " (--allow-dangerously-skip-permissions)."
)
MAY_NOT_ALLOW = "In this mode it does things unasked: who chooses it must be allowed to answer its questions."
CODE_WANTED = "A rule wants a code for some answers, and in this mode nobody would be asked. Choose it at the terminal."
NOT_REPEATED = "A mode that asks less is not chosen by repeating a command: choose it anew."
ONE_SESSION = "This changes how one session works, and goes to no other. Send it there anew."
MODE_IS = "{name} is in the mode {mode}. It can be put into: {modes}"
MODE_UNKNOWN = "The mode of {name} is not known yet. It can be put into: {modes}"
NO_MODES = "The mode of {name} cannot be changed from here; /key shift-tab presses its key."
MODEL_IS = "{name} works with {model}. /model NAME changes that; its person's default may change with it."
MODEL_UNKNOWN = "The model of {name} is not known yet. /model NAME chooses one."
MODELS = ("sonnet", "opus", "haiku")  # names that Claude Code knows whatever the newest of them is
MODE_LABELS = {
    "default": "✋ Ask",
    "acceptEdits": "✏️ Accept edits",
    "plan": "📋 Plan",
    "bypassPermissions": "⚠️ Ask nothing",
}


def mode(session: Session) -> str:
    """What stands above the modes to choose from."""
    if not session.modes:
        return NO_MODES.format(name=session.name)
    said = MODE_IS if session.mode else MODE_UNKNOWN
    return said.format(name=session.name, mode=session.mode, modes=", ".join(session.modes))


def model(session: Session) -> str:
    """What stands above the models to choose from."""
    return (MODEL_IS if session.model else MODEL_UNKNOWN).format(name=session.name, model=session.model)
