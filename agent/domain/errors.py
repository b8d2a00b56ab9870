"""What can go wrong in the agent, as types.

AgentError
├── ConfigError         a setting is missing or wrong
├── NotEnrolled         this machine has no identity yet
├── EnrolRefused        the router did not take the join token
├── RouterUnreachable   nobody answered at the router's address
│   └── RouterFull      it has as much of this machine as it takes now
├── AlreadyRunning      another agent works on this folder
├── StoreUnavailable    the disk did not take a write; nothing was stored
├── LoopBroken          a part of the agent does not go on
└── Refusal             a request of a program on this machine was not carried out

The text of each is for people and says what to do.
"""

from agent.domain.command import Reason


class AgentError(Exception):
    """Something a person can do something about; the text says what."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text  # what people read: logs and sockets show this, and no traceback


class ConfigError(AgentError):
    """A setting is missing or wrong."""


class NotEnrolled(AgentError):
    """There is no identity for this machine yet."""


class EnrolRefused(AgentError):
    """The router did not take the join token."""


class RouterUnreachable(AgentError):
    """Nobody answered at the router's address."""


class RouterFull(RouterUnreachable):
    """The router has as much of this machine as it takes; later there is room."""


class AlreadyRunning(AgentError):
    """Another agent works on this folder."""


class StoreUnavailable(AgentError):
    """The disk did not take a write; nothing was stored."""


class LoopBroken(AgentError):
    """A part of the agent does not go on, by an error of its own."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"A part of the agent broke ({name}: {why}), so all of it has ended; nothing is lost. Start it again, as "
            "`pointsman up` and systemd do by themselves; the lines before this one tell more."
        )


class Refusal(AgentError):
    """A request was not carried out, and nothing was changed."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason  # for programs: it becomes the reason of a result
