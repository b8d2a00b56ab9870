"""Work that a model would hand over to a coding agent: shown whole, and started by a person's press alone."""

import re

from msgspec import Struct

from router.domain.action import StartSession
from router.domain.machine import MODEL
from router.domain.start import Wanted, is_path
from router.domain.unicode_escapes import visible

MOST_PROMPT = 3000  # characters as they are shown: with its frame it fits one message of a chat
_MACHINE = re.compile(r"[A-Za-z0-9._:@/-]{0,128}")
_AGENT = re.compile(r"([a-z][a-z0-9-]{0,31})?")


class Proposal(Struct, frozen=True):
    """What would be started. What is empty is left to whoever starts it, as with /new."""

    prompt: str
    machine_id: str = ""
    agent: str = ""
    folder: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether all of it can be shown to people, and started."""
        is_named = _MACHINE.fullmatch(self.machine_id) and _AGENT.fullmatch(self.agent) and self.agent != MODEL
        return bool(is_named) and is_path(self.folder) and bool(self.prompt.strip()) and len(self.shown) <= MOST_PROMPT

    @property
    def shown(self) -> str:
        """The prompt as people are shown it: nothing in it is unseen."""
        return visible(self.prompt[: MOST_PROMPT + 1].strip())

    @property
    def wanted(self) -> Wanted:
        """The start that it becomes."""
        return Wanted(self.machine_id, StartSession(self.prompt.strip(), self.folder, agent=self.agent))
