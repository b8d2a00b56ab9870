"""What a load leaves beside a conversation and would take it away at the program's next start; we take it away before.

Gemini CLI 0.61 begins a file with the conversation's name whenever it loads one, and writes nothing of what is said
into it. At its next start it deletes files without words, and with them every file of the same name.
"""

import json
import re
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 64 * 1024  # of one without words: it holds what the model is told of the folder
_WORDS = b'{"id":'  # a line of what was said
_NAME = re.compile(r"[0-9a-f]{8}")


def tidy(home: Path, pattern: str, conversation_id: str) -> None:
    """Take away those that hold no word of it, as long as another one does. Never raises; looks at the disk.

    `pattern` is a glob below `home`, with the beginning of the conversation's id for `{id}`.
    """
    if not _NAME.fullmatch(conversation_id[:8]):
        return
    with suppress(OSError):
        files = [file for file in home.glob(pattern.format(id=conversation_id[:8])) if _is_of(file, conversation_id)]
        empty = [file for file in files if not _has_words(file)]
        if len(empty) < len(files):
            for file in empty:
                file.unlink()


def _is_of(file: Path, conversation_id: str) -> bool:
    try:
        with file.open("rb") as lines:
            about = json.loads(lines.readline(MOST_BYTES))
    except ValueError:
        return False
    return isinstance(about, dict) and about.get("sessionId") == conversation_id


def _has_words(file: Path) -> bool:
    """Also of one that is too long to hold none, whatever it holds."""
    if file.stat().st_size > MOST_BYTES:
        return True
    return any(line.startswith(_WORDS) for line in file.read_bytes().splitlines())
