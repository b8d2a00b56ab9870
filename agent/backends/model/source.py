"""Who answers, as the owner's settings say."""

from collections.abc import Mapping
from pathlib import Path

from agent.backends.model.claude_run import ClaudeRuns
from agent.backends.model.dialect import Api
from agent.backends.model.endpoint import Endpoint, Source
from agent.backends.programs import Places
from agent.config import CLAUDE, Model


def source(model: Model | None, environ: Mapping[str, str], folder: Path, places: Places) -> Source | None:
    """None where they name no model. Claude Code runs in `folder`, in which nothing is."""
    if model is None:
        return None
    if model.api == CLAUDE:
        return ClaudeRuns(model.name, environ, folder, places)
    return Endpoint(model.url, model.name, Api(model.api), model.key)
