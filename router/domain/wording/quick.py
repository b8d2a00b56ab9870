"""What people read in the chat about quick answers: a part of the one catalogue."""

HOW = (
    "Ask something that needs no files and no tools: /ask How do I undo the last commit in git?\n"
    "The answer comes here; a reply to it goes on. /clear in a reply begins anew."
)
NO_MODEL = (
    "No machine has a model that can be asked. On one of them set POINTSMAN_MODEL_URL and POINTSMAN_MODEL (or"
    " POINTSMAN_MODEL_URL=claude, where Claude Code is to answer without tools), and restart its agent."
)
PROPOSED = (
    "💡 {name} would hand this over to {agent} on {machine}, in {folder}. Nothing has begun: a press starts it, as /new"
    " does, with the rights of whoever presses.\n\n{prompt}"
)
PROPOSED_HERE = (
    "💡 The model would hand this over to the coding agent that works here. Nothing has begun: a choice starts it, as"
    " `/new` does.\n\n{prompt}"
)
THE_MODEL = "The model"
CLAUDE = "Claude Code"
ANY_MACHINE, ANY_FOLDER = "the machine that can", "its first folder"
NOT_SHOWN = (
    "{name} would hand work over, in a way that cannot be shown whole. Nothing has begun: ask it in other words."
)
BEGUN = "Starting."
DAY_IS_OVER = "⌛ Nobody has started it, and its day is over."
NOT_KEPT = "This was kept for a day, and that is over. Ask it again."
