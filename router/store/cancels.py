"""What somebody wants back from a machine that has not said yet whether it is too late."""

from peewee import fn

from router.store.database import Transaction
from router.store.statements import Statement, given, insert
from router.store.tables import Cancel, Command
from router.store.tables.commands import LIVE

_OF_MACHINE = Cancel.machine_id == given.machine_id
_IS_LIVE = fn.EXISTS(Command.select(Command.command_id).where((Command.command_id == Cancel.command_id) & LIVE))
_ASK = Statement(insert(Cancel).on_conflict_ignore())  # the first who wants it is its actor
_ASKED = Statement(Cancel.select(Cancel.command_id, Cancel.actor).where(_OF_MACHINE))
_MACHINES = Statement(Cancel.select(Cancel.machine_id).distinct())
_FORGET = Statement(Cancel.delete().where(_OF_MACHINE & ~_IS_LIVE))


def ask(tx: Transaction, command_id: str, machine_id: str, actor: str) -> None:
    """Remember the wish until the command has ended, however often the link breaks."""
    _ASK.run(tx, machine_id=machine_id, command_id=command_id, actor=actor)


def asked(tx: Transaction, machine_id: str) -> dict[str, str]:
    """The commands of a machine that are wanted back, with who wants each."""
    return dict(_ASKED.run(tx, machine_id=machine_id).fetchall())


def machines(tx: Transaction) -> list[str]:
    """The machines from which something is wanted back."""
    return _MACHINES.values(tx)


def forget(tx: Transaction, machine_id: str) -> None:
    """Drop the wishes whose command has ended."""
    _FORGET.run(tx, machine_id=machine_id)
