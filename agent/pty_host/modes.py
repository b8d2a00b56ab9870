"""What a program has asked of its terminal, read from what it prints. Pure."""

import re

_CHANGE = re.compile(rb"\x1b\[\?(?P<modes>[0-9;]+)(?P<switch>[hl])|(?P<reset>\x1bc|\x1b\[!p)")
_UNFINISHED = re.compile(rb"\x1b(?:\[(?:!|\?[0-9;]{0,40})?)?\Z")

_APPLICATION_CURSOR = b"1"
_BRACKETED_PASTE = b"2004"


class TerminalModes:
    """The modes that change how text and keys must be sent."""

    def __init__(self) -> None:
        self._on: set[bytes] = set()
        self._rest = b""

    @property
    def bracketed_paste(self) -> bool:
        return _BRACKETED_PASTE in self._on

    @property
    def application_cursor(self) -> bool:
        return _APPLICATION_CURSOR in self._on

    def feed(self, data: bytes) -> None:
        """Takes what the program printed next."""
        data, self._rest = self._rest + data, b""
        for change in _CHANGE.finditer(data):
            self._change(change)
        unfinished = _UNFINISHED.search(data)
        if unfinished:
            self._rest = unfinished[0]  # its other half comes with the next read

    def _change(self, change: re.Match[bytes]) -> None:
        if change["reset"]:
            self._on.clear()
        elif change["switch"] == b"h":
            self._on.update(change["modes"].split(b";"))
        else:
            self._on.difference_update(change["modes"].split(b";"))
