"""On disk: which sessions may send to which, as people said."""

from router.domain.errors import Reason, Refusal
from router.domain.session_message import GOOD_FOR, Consent, ConsentState
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, all_given, given
from router.store.upkeep import purging, shifting

Row = tables.Consent
KEPT = GOOD_FOR
_CONSENTS = Mapper(Row, Consent)
_ALL = _CONSENTS.select()
_NEWEST = _ALL.order_by(Row.created_at.desc(), Row.consent_id.desc())
_INSERT = _CONSENTS.writes(_CONSENTS.insert())
_CHANGE = _CONSENTS.writes(
    Row.update(all_given((Row.state, Row.decided_by, Row.decided_at))).where(Row.consent_id == given.consent_id)
)
_FIND = _CONSENTS.reads(_ALL.where(Row.consent_id == given.consent_id))
_BETWEEN = _CONSENTS.reads(
    _NEWEST.where(
        (Row.from_session_id == given.from_session_id) & (Row.to_session_id == given.to_session_id)
        & (Row.state != ConsentState.ENDED)
    )
)  # fmt: skip
_LIVING = _CONSENTS.reads(_NEWEST.where(Row.state != ConsentState.ENDED))
_PAGE = _CONSENTS.reads(_NEWEST)

shift = shifting(Row.created_at)
purge = purging(Row, Row.created_at < given.before)


def insert(tx: Transaction, consent: Consent) -> None:
    """Write a new one."""
    _INSERT.one(tx, consent)


def change(tx: Transaction, consent: Consent) -> None:
    """Write what became of one."""
    _CHANGE.one(tx, consent)


def find(on: Connection, consent_id: str) -> Consent | None:
    """One of them, or None."""
    return _FIND.one(on, consent_id=consent_id)


def get(on: Connection, consent_id: str) -> Consent:
    """One of them. Raises Refusal."""
    if (found := find(on, consent_id)) is None:
        raise unknown(consent_id)
    return found


def unknown(consent_id: str) -> Refusal:
    """What is told of one that is not there."""
    return Refusal(Reason.NOT_FOUND, f"There is no consent {consent_id[:128]}. `pointsman consents` lists them.")


def between(on: Connection, from_session_id: str, to_session_id: str) -> Consent | None:
    """What people said of this pair, in this direction; None where nothing that holds."""
    return _BETWEEN.one(on, from_session_id=from_session_id, to_session_id=to_session_id)


def page(on: Connection, *, over: bool) -> list[Consent]:
    """All that hold or are asked for, newest first; `over`: also the others."""
    return (_PAGE if over else _LIVING).all(on)
