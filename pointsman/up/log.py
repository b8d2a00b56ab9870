"""What the programs of `pointsman up` say: all of it goes to a file, and to the terminal what a person must know."""

import logging
import os
import re
from collections import deque
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

import click

from pointsman.errors import Failure

FILE_NAME = "up.log"
_MOST, _KEPT = 10 * 1024**2, 1  # bytes of the file before it is moved away, and how many such are kept
_LAST = 8  # lines that say why a program did not get ready
# As the programs log, and as gunicorn does.
_LEVELS = "(?:WARNING|ERROR|CRITICAL)"
_TROUBLE = re.compile(rf"(?:\S+ \S+ {_LEVELS} \S+|\[[^]]*\] \[\d+\] \[{_LEVELS}\]) (.*)")


class _OwnFile(RotatingFileHandler):
    """For its owner alone, also the one that is begun when the first is full."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        return os.fdopen(descriptor, "a", encoding=self.encoding)


class UpLog:
    """Lines in, until it is closed."""

    def __init__(self, data_dir: Path) -> None:
        """Raises Failure."""
        self.path = data_dir / FILE_NAME
        self._last: dict[str, deque[str]] = {}
        try:
            self._handler = _OwnFile(self.path, maxBytes=_MOST, backupCount=_KEPT, encoding="utf-8")
        except OSError as error:
            raise Failure(f"cannot write {self.path}: {error.strerror}") from None
        self._file = logging.Logger("up")  # noqa: LOG001 -- one of its own: nobody else's lines come in
        self._file.addHandler(self._handler)

    def line(self, name: str, text: str) -> None:
        """A line of a program."""
        self._keep(name, text)
        if trouble := _TROUBLE.match(text):
            click.echo(f"{name}: {trouble[1]}", err=True)

    def word(self, name: str, text: str) -> None:
        """Of the supervisor, about a program."""
        self._keep(name, text)
        click.echo(f"{name} {text}", err=True)

    def close(self) -> None:
        self._handler.close()

    def last_words(self) -> str:
        """What those programs said last that are not ready yet."""
        return "\n".join(f"{name}: {text}" for name, said in self._last.items() for text in said)

    def _keep(self, name: str, text: str) -> None:
        self._file.info("%-12s │ %s", name, text)
        if text.startswith("ready "):
            self._last.pop(name, None)  # what it said before explains no failure any more
        else:
            self._last.setdefault(name, deque(maxlen=_LAST)).append(text)
