"""The one tool that a model has: to propose work for a coding agent. It starts nothing: a person does, or does not."""

import json

from agent.backends.model.dialect import Tool
from agent.domain.proposal import Proposal

MOST = 3000  # characters of a prompt: a person reads all of it
_LONGEST = {"machine": 128, "agent": 32, "folder": 1024}
_DESCRIPTION = (
    "Propose work that needs files, commands or the internet to a coding agent on a machine of this person. They read"
    " it and decide; you do not hear how it went. Use it only where they ask for such work."
)
_FIELDS = {
    "prompt": "What the coding agent is to do, whole: it knows nothing of this talk. At most 3000 characters.",
    "machine": "The machine's name, if the person named one.",
    "agent": "Which coding agent, if the person named one, such as claude or gemini.",
    "folder": "The folder on that machine, if the person named one, such as ~/src/api/.",
}
TOOL = Tool(
    "hand_over",
    _DESCRIPTION,
    {
        "type": "object",
        "properties": {name: {"type": "string", "description": words} for name, words in _FIELDS.items()},
        "required": ["prompt"],
    },
)


def proposal(given: str) -> Proposal | None:
    """What the model wrote; None for what is none, or cannot be shown whole."""
    try:
        fields = json.loads(given)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    found = {name: fields.get(name) or "" for name in _FIELDS}
    if not all(isinstance(value, str) for value in found.values()):
        return None
    words = {name: str(value).strip() for name, value in found.items()}
    fits = all(words[name].isprintable() and len(words[name]) <= most for name, most in _LONGEST.items())
    if not fits or not 0 < len(words["prompt"]) <= MOST:
        return None
    return Proposal(**words)
