"""What became of what somebody handed in."""

from msgspec import Struct

from router.domain.command import Command, CommandState
from router.domain.errors import Reason
from router.domain.wording import labels, status_lines
from router.services.permissions import Told
from router.store import commands
from router.store.database import Transaction

MAX_ANSWER = 200  # characters; what a button press can show


class Submitted(Struct, frozen=True):
    """A command, or an answer."""

    command_id: str = ""
    state: CommandState | None = None
    session_id: str = ""
    answer: str = ""
    reason: Reason = Reason.UNSPECIFIED  # why it became no command, where a door can do something about it


def submitted_as(command: Command) -> Submitted:
    """It became this command."""
    answer = labels.SENDING.format(what=status_lines.quoted(command))[:MAX_ANSWER]
    return Submitted(command.command_id, command.state, command.session_id, answer)


def decided(tx: Transaction, told: Told) -> Submitted:
    """It decided a question."""
    command = commands.get(tx, told.command_id)
    return Submitted(command.command_id, command.state, command.session_id, told.words[:MAX_ANSWER])
