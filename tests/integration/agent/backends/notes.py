"""Who hears the headless backend in tests."""

from agent.domain.proposal import Proposal
from agent.domain.session import Conversation, SessionState


class Notes:
    """Hears the headless backend, and remembers."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.tokens = 0
        self.proposals: list[Proposal] = []
        self.states: list[SessionState] = []
        self.talk: Conversation | None = None
        self.modes: list[tuple[str, str]] = []  # with the model
        self.limits: list[float] = []
        self.asides: list[object] = []
        self.is_read = True  # somebody reads along

    async def works(self, session_id: str, mode: str, model: str = "") -> None:  # noqa: ARG002 -- there is one session
        self.modes.append((mode, model))

    async def limited(self, session_id: str, until: float) -> None:  # noqa: ARG002 -- there is one session
        self.limits.append(until)

    async def said(self, session_id: str, text: str, output_tokens: int = 0, proposal: Proposal | None = None) -> None:  # noqa: ARG002 -- there is one session
        self.texts.append(text)
        self.tokens += output_tokens
        self.proposals += [proposal] if proposal else []

    async def took(self, session_id: str) -> None:
        """It says so itself."""

    async def became(self, session_id: str, state: SessionState) -> None:  # noqa: ARG002 -- there is one session
        self.states.append(state)

    async def talks(self, session_id: str, talk: Conversation | None) -> None:  # noqa: ARG002 -- there is one session
        self.talk = talk

    def aside(self, session_id: str, aside: object) -> None:  # noqa: ARG002 -- there is one session
        """Reads along."""
        self.asides.append(aside)

    def is_followed(self, session_id: str) -> bool:  # noqa: ARG002 -- there is one session
        return self.is_read
