"""Sessions in terminals that cannot be typed into: what their hooks say arrives, and nothing goes back."""

from agent.domain.command import Action, Outcome, Reason
from agent.domain.session import Session
from agent.processes import is_running

_CURE = (
    "This session's terminal cannot be typed into. Start it in tmux, in nvim's terminal, or with `pointsman run`;"
    " Codex without --no-daemon."
)


class ObservedBackend:
    """Refuses every action, and says what would help."""

    async def deliver(self, session: Session, action: Action) -> Outcome:  # noqa: ARG002 -- the same for all
        return Outcome.failed(Reason.UNSUPPORTED, _CURE)

    async def obstacle(self, session: Session, action: Action) -> str:  # noqa: ARG002
        """It is refused at once."""
        return ""

    async def clear_line(self, session: Session) -> None:
        """Nothing was ever typed."""

    async def release(self, session: Session) -> None:
        """Nothing was started."""

    async def alive(self, session: Session) -> bool:
        return session.process is not None and is_running(session.process)
