"""What is a good value of a setting about what agents run and ask. Pure. The agent looks at how they go together."""

import re

_AGENT = re.compile(r"[a-z][a-z0-9-]{0,31}\s*(:[^=]{0,64})?=\s*\S.*")


def agents(value: str) -> str:
    """NAME = COMMAND, of which Claude Code is none."""
    for item in filter(None, map(str.strip, value.split(";"))):
        if not _AGENT.fullmatch(item) or item.partition("=")[0].partition(":")[0].strip() == "claude":
            return f"holds {item[:60]!r}, which is not NAME = COMMAND; separate agents by semicolons"
    return ""


def model_address(value: str) -> str:
    """Where a model is asked, or that Claude Code is."""
    good = value == "claude" or re.match(r"https?://[^/\s]+\S*\Z", value)
    return "" if good else "must be an http:// or https:// address, or claude"


def model_api(value: str) -> str:
    """What is spoken there."""
    return "" if value in ("anthropic", "openai") else "must be anthropic or openai"
