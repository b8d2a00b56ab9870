"""Which machine works for what holds chats of a platform, as a repository holds its issues, and who may ask it to."""

from msgspec import Struct

from router.domain.errors import Reason, Refusal
from router.domain.start import is_path

MAX_SPACE, MAX_NAME, MAX_ALLOWED, MAX_CONTEXT = 128, 200, 50, 1024
MOST = 500  # of all: each mention is looked up among them


class Binding(Struct, frozen=True):
    """One of them. `space` is the platform's own id, which stays when what is bound is renamed."""

    transport: str
    space: str
    name: str
    machine_id: str
    folder: str
    agent: str
    allowed: tuple[str, ...]  # people, by the platform's own ids
    writers: bool  # so may whoever may change what is there
    autostart: bool
    created_at: float
    created_by: str

    def checked(self) -> "Binding":
        """Itself. Raises Refusal naming what is wrong."""
        if not _is_word(self.transport, MAX_SPACE) or not _is_word(self.space, MAX_SPACE):
            raise Refusal(Reason.INVALID_ARGUMENT, f"transport and space must have 1 to {MAX_SPACE} characters.")
        if not _is_word(self.name, MAX_NAME):
            raise Refusal(Reason.INVALID_ARGUMENT, f"A name must have 1 to {MAX_NAME} characters.")
        if len(self.allowed) > MAX_ALLOWED or not all(_is_word(each, MAX_SPACE) for each in self.allowed):
            raise Refusal(Reason.INVALID_ARGUMENT, f"At most {MAX_ALLOWED} people may be named, each by an id.")
        # One that nobody may use looks as if it worked.
        if not self.allowed and not self.writers:
            raise Refusal(Reason.INVALID_ARGUMENT, "Who may ask? Name people, or let those who may write there.")
        if not is_path(self.folder):
            raise Refusal(Reason.INVALID_ARGUMENT, "The folder is no path.")
        return self


def _is_word(text: str, most: int) -> bool:
    return 0 < len(text) <= most and text.isprintable() and text.strip() == text
