"""The workspaces of this machine on disk; each change with the word about it to the router, in one transaction."""

import sqlite3
from asyncio import Future

from agent.domain.workspace import KnownWorkspace, Look, Workspace, WorkspaceChanged, WorkspaceState
from agent.store.database import Database
from agent.store.group_commit import Transaction
from agent.store.outbox import Outbox, append
from agent.store.statements import Statement, given, upsert
from agent.store.tables import WorkspaceRow as Row

_SAVE = Statement(upsert(Row, [Row.key]))
_FIND = Statement(Row.select().where(Row.key == given.key))
_ALL = Statement(Row.select())
_SHIFT = Statement(Row.update(archived_at=Row.archived_at + given.seconds).where(Row.archived_at > 0))


class WorkspaceStore:
    """Rows of workspaces."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    def find(self, key: str) -> "Future[KnownWorkspace | None]":
        """One of them, also one that is gone."""
        return self._database.read(lambda tx: _find(tx, key))

    def load(self) -> "Future[tuple[KnownWorkspace, ...]]":
        """All of them, also those that are gone."""
        return self._database.read(lambda tx: tuple(_known(row) for row in _ALL.rows(tx)))

    def save(self, known: KnownWorkspace, digest: str = "", size: int = 0) -> "Future[None]":
        """Store it, and what the router has to learn of it, and of an archive that comes or goes."""
        return self._outbox.write(lambda tx: _save(tx, WorkspaceChanged(known, digest, size)))

    def tell(self, known: KnownWorkspace) -> "Future[int]":
        """Tell the router of one that is not ours to keep."""
        return self._outbox.append(WorkspaceChanged(known))


def shift(tx: Transaction, seconds: float) -> None:
    """Move when they were archived along with the wall clock."""
    _SHIFT.run(tx, seconds=seconds)


def _find(tx: Transaction, key: str) -> KnownWorkspace | None:
    row = _FIND.row(tx, key=key)
    return None if row is None else _known(row)


def _save(tx: Transaction, changed: WorkspaceChanged) -> None:
    _SAVE.run(tx, **_row(changed.known))
    # That it is closing is a step of ours: the router hears of its end.
    if changed.known.state is not WorkspaceState.CLOSING:
        append(tx, changed)


def _known(row: sqlite3.Row) -> KnownWorkspace:
    is_foreign = bool(row["foreign_branch"])
    return KnownWorkspace(
        Workspace(row["key"], row["repository"], row["ref"], row["base_ref"], is_foreign),
        WorkspaceState(row["state"]),
        Look(row["head"], bool(row["dirty"]), row["unpushed"], bool(row["certain"])),
        row["bytes"],
        row["path"],
        row["detail"],
        row["session_id"],
        row["archived_at"],
        row["conversation_id"],
    )


def _row(known: KnownWorkspace) -> dict[str, object]:
    what, look = known.workspace, known.look
    return {
        "key": what.key,
        "repository": what.repository,
        "ref": what.ref,
        "base_ref": what.base_ref,
        "foreign_branch": what.foreign,
        "state": known.state.value,
        "head": look.head,
        "dirty": look.is_dirty,
        "unpushed": look.unpushed,
        "certain": look.is_certain,
        "bytes": known.bytes,
        "path": known.path,
        "detail": known.detail,
        "session_id": known.session_id,
        "archived_at": known.archived_at,
        "conversation_id": known.conversation_id,
    }
