"""Whether a person has a half-typed line in a terminal, judged by what they typed. Pure.

Errs towards yes: whatever may have put text into the line counts, and only Enter, Ctrl-C, Ctrl-U, or as many
backspaces as characters, empty it. What terminals send by themselves (focus, mouse, answers to queries) does not count.
"""

import re

_TOKEN = re.compile(
    rb"\x1b\[M...|"  # a mouse report of the oldest kind
    rb"\x1b\[(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~])|"
    rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|"
    rb"\x1b[P_^][^\x1b]*\x1b\\|"
    rb"\x1bO.|"
    rb"(?P<newline>\x1b[\r\n]|\\\r)|"  # ways to type a new line into a prompt
    rb"\x1b.|"
    rb"(?P<byte>.)|\x1b",
    re.DOTALL,
)
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\[M.{0,2}|O|\][^\x07\x1b]*\x1b?|[P_^][^\x1b]*\x1b?)\Z", re.DOTALL)
_LONGEST = 4096  # bytes of an unfinished sequence that are waited for

_CLEARING = b"\r\x03\x15"  # Enter, Ctrl-C, Ctrl-U
_RECALLING = b"\x0e\x10\x12\x19"  # Ctrl-N, Ctrl-P, Ctrl-R, Ctrl-Y bring back a line whose length is not known
_ERASING = b"\x08\x7f"


class Draft:
    """One line, as far as it can be followed."""

    def __init__(self) -> None:
        self._length = 0
        self._recalled = False
        self._pasting = False
        self._rest = b""

    @property
    def open(self) -> bool:
        """There may be text in the line."""
        return self._length > 0 or self._recalled

    def feed(self, data: bytes) -> None:
        """Takes what the person's terminal sent next."""
        data, self._rest = self._rest + data, b""
        unfinished = _UNFINISHED.search(data)
        if unfinished and len(data) - unfinished.start() <= _LONGEST:
            data, self._rest = data[: unfinished.start()], data[unfinished.start() :]
        for token in _TOKEN.finditer(data):
            self._take(token)

    def _take(self, token: re.Match[bytes]) -> None:
        if token["final"] is not None:
            self._sequence(token["parameters"], token["final"])
        elif self._pasting or token["newline"]:
            self._length += 1
        elif token["byte"]:
            self._byte(token["byte"])

    def _sequence(self, parameters: bytes, final: bytes) -> None:
        if final == b"~" and parameters in (b"200", b"201"):
            self._pasting = parameters == b"200"
        elif final in b"AB":  # up, down: another line of the history
            self._recalled = True
        elif final == b"u":
            self._key(parameters)

    def _key(self, parameters: bytes) -> None:
        """A key in the long form: code ; modifiers + 1 : what happened to it."""
        match = re.fullmatch(rb"(\d+)(?::\d*)*(?:;(\d*)(?::(\d*))?.*)?", parameters)
        if match is None or match[3] == b"3":  # an answer to a query; a key let go
            return
        code, control = int(match[1]), int(match[2] or 1) - 1 & 4
        plain = (match[2] or b"1") == b"1"
        if (control and code in (ord("c"), ord("u"))) or (plain and code == ord("\r")):
            self._clear()
        elif not control and code not in (9, 27, 127) and code < 57344:  # from there on, keys that type nothing
            self._length += 1

    def _byte(self, byte: bytes) -> None:
        if byte in _CLEARING:
            self._clear()
        elif byte in _RECALLING:
            self._recalled = True
        elif byte in _ERASING:
            self._length = max(0, self._length - 1)
        elif byte == b"\n" or (byte >= b" " and not b"\x80" <= byte < b"\xc0"):
            self._length += 1

    def _clear(self) -> None:
        self._length = 0
        self._recalled = False
