"""Browsers on disk: who was let into the console, by the hash of what they show."""

from router.domain.browser import Browser
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, given
from router.store.upkeep import purging, shifting

Row = tables.Browser
_BROWSERS = Mapper(Row, Browser)
_FIND = _BROWSERS.reads(_BROWSERS.select().where(Row.login_hash == given.login_hash))
_BY_LINK = _BROWSERS.reads(_BROWSERS.select().where((Row.link_hash == given.link_hash) & (Row.link_hash != "")))
_INSERT = _BROWSERS.writes(_BROWSERS.insert())
_OPEN = _BROWSERS.reads(
    _BROWSERS.select().where(~Row.is_closed & (Row.expires_at > given.now)).order_by(Row.created_at)
)
_GIVE = Statement(Row.update({Row.person_id: given.kept}).where(Row.person_id == given.person_id))
_CLOSE = Statement(Row.update({Row.is_closed: True}).where(Row.login_hash == given.login_hash))

KEPT = 3600.0  # seconds behind its end: longer than any login link is good
shift = shifting(Row.expires_at)
purge = purging(Row, Row.expires_at < given.before)


def find(on: Connection, login_hash: str) -> Browser | None:
    """Whoever shows this, or None."""
    return _FIND.one(on, login_hash=login_hash)


def by_link(on: Connection, link_hash: str) -> Browser | None:
    """Whom this login link has let in, or None."""
    return _BY_LINK.one(on, link_hash=link_hash)


def open_ones(on: Connection, now: float) -> list[Browser]:
    """All that are let in, oldest first."""
    return _OPEN.all(on, now=now)


def insert(tx: Transaction, browser: Browser) -> None:
    """Write a new one."""
    _INSERT.one(tx, browser)


def close(tx: Transaction, login_hash: str) -> None:
    """Let it in no more."""
    _CLOSE.run(tx, login_hash=login_hash)


def give(tx: Transaction, person_id: str, kept: str) -> None:
    """All of a person are another's."""
    _GIVE.run(tx, person_id=person_id, kept=kept)
