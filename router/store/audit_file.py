"""The audit of a database that no router has open: a backup."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from router.domain.audit import Head, Verification
from router.store import audit


class Unreadable(Exception):
    """The file is no database with an audit; the text says what is wrong."""


def verify_file(path: Path, noted: str = "") -> Verification:
    """As `audit.verify`; `noted` is a head as text. Raises Unreadable. Writes nothing, not even beside the file."""
    number, _, digest = noted.partition(":")
    head = Head(int(number), digest) if noted else None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as connection:
            return audit.verify(connection, head)
    except sqlite3.Error as error:
        raise Unreadable(f"is no router's database with an audit ({error})") from None
