"""What people read in the chat about quick answers: a part of the one catalogue."""

HOW = (
    "Ask something that needs no files and no tools: /ask How do I undo the last commit in git?\n"
    "The answer comes here; a reply to it goes on. /clear in a reply begins anew."
)
NO_MODEL = (
    "No machine has a model that can be asked. On one of them set POINTSMAN_MODEL_URL and POINTSMAN_MODEL (or"
    " POINTSMAN_MODEL_URL=claude, where Claude Code is to answer without tools), and restart its agent."
)
