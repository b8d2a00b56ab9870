"""Commands that may have brought an agent down: what was on its way when its link died young, and how often."""

from collections.abc import Sequence

from peewee import fn

from router.domain.command import CommandState
from router.store.database import Transaction
from router.store.statements import Statement, given, insert
from router.store.tables import Command
from router.store.tables import PoisonSuspect as Row

_OF_MACHINE = Row.machine_id == given.machine_id
# Not confirmed since: what a machine has on its disk did not bring it down.
_UNCONFIRMED = Command.state.in_([CommandState.QUEUED, CommandState.SENT])
_WAITS = fn.EXISTS(Command.select(Command.command_id).where((Command.command_id == Row.command_id) & _UNCONFIRMED))
# How often it was there before stays: only the link that is now in question is another.
_BLAME = Statement(
    insert(Row).on_conflict(conflict_target=(Row.machine_id, Row.command_id), update={Row.epoch: given.epoch})
)
_CHARGE = Statement(Row.update({Row.crashes: Row.crashes + 1}).where(_OF_MACHINE & (Row.epoch == given.epoch) & _WAITS))
_CHARGED = Statement(Row.select(Row.command_id).where(_OF_MACHINE & (Row.crashes >= given.crashes) & _WAITS))
_FORGET = Statement(Row.delete().where(_OF_MACHINE & ~_WAITS))


def blame(tx: Transaction, command_ids: Sequence[str], machine_id: str, epoch: int) -> None:
    """A link of this epoch died right after these were sent; whether the agent died with it shows when it returns."""
    for command_id in command_ids:
        _BLAME.run(tx, machine_id=machine_id, command_id=command_id, epoch=epoch, crashes=0)


def restarted(tx: Transaction, machine_id: str, epoch: int, limit: int) -> list[str]:
    """The agent that had that link is another process now. Returns what has done that `limit` times."""
    _CHARGE.run(tx, machine_id=machine_id, epoch=epoch)
    return _CHARGED.values(tx, machine_id=machine_id, crashes=limit)


def any_waits(tx: Transaction, machine_id: str) -> bool:
    """Whether something is under way to a machine that was there at a crash and has not been cleared."""
    return _CHARGED.value(tx, machine_id=machine_id, crashes=1) is not None


def forget(tx: Transaction, machine_id: str) -> None:
    """Drop those that the machine has confirmed since, or that ended."""
    _FORGET.run(tx, machine_id=machine_id)
