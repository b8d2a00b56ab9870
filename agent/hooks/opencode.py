"""Our plugin for OpenCode: one file of ours in the folder from which it loads every file."""

import json
from contextlib import suppress
from pathlib import Path

from agent.hooks import settings_file
from agent.hooks.settings_file import SettingsRefused

_SOURCE = Path(__file__).with_name("opencode.js")
_OURS = "// Pointsman's plugin for OpenCode"
_MADE = " // made folder\n"


def plugin(socket: str) -> str:
    """The file, for the agent at that socket."""
    return _SOURCE.read_text(encoding="utf-8").replace('"@SOCKET@"', json.dumps(socket))


def install(path: Path, socket: str) -> bool:
    """Put it there, in place of an earlier one. Whether anything changed. Raises SettingsRefused."""
    made = _MADE if not path.parent.exists() or _made_folder(path) else ""

    def written(text: str | None) -> str:
        if text is not None and not text.startswith(_OURS):
            raise SettingsRefused(f"{path} is not ours; nothing was changed.")
        return plugin(socket) + made

    return settings_file.change(path, written)


def uninstall(path: Path) -> bool:
    """Take it away again, with a folder that was made for it. Whether anything changed. Raises SettingsRefused."""
    made = _made_folder(path)
    changed = settings_file.change(path, lambda text: None if text is None or text.startswith(_OURS) else text)
    if changed and made:
        with suppress(OSError):  # somebody has put something beside it
            path.parent.rmdir()
    return changed


def state(path: Path, socket: str) -> str:
    """Whether it is there. Raises SettingsRefused."""
    text = settings_file.read(path, lambda found: found)
    if text is None or not text.startswith(_OURS):
        return "absent"
    return "installed" if text.removesuffix(_MADE) == plugin(socket) else "outdated"


def _made_folder(path: Path) -> bool:
    return settings_file.read(path, lambda text: text is not None and text.startswith(_OURS) and text.endswith(_MADE))
