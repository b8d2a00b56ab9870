"""Our own record of what a session says over ACP, a file that only grows: what happens, a row each.

Programs that speak ACP keep their records as they like, or not at all; from ours what sessions do is told, as it is
from that of Claude Code. A row that is lost with a full disk is lost for those alone who read along.
"""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from pathlib import Path

from agent.domain.session import bare_id
from agent.domain.session_event import (
    Described,
    Event,
    Planned,
    Said,
    Speaker,
    ToolKind,
    ToolUsed,
    Used,
    What,
    WorkState,
)

logger = logging.getLogger(__name__)

MARK = b'{"pointsman": 1, '
MOST_BYTES = 256 * 1024 * 1024  # of one record; whoever says more is not recorded any more
KEPT = 30 * 24 * 3600.0  # seconds that the record of a session is kept after its last row
_NAMES: Mapping[str, type] = {
    "said": Said, "tool": ToolUsed, "plan": Planned, "used": Used, "described": Described,
}  # fmt: skip
_OF = {kind: name for name, kind in _NAMES.items()}


class Records:
    """Those of one agent; without a folder nothing is recorded."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def path(self, session_id: str) -> str:
        """Where that of a session is; its id may not be fit for a name."""
        name = sha256(bare_id(session_id).encode()).hexdigest()[:32]
        return str(self._folder / f"{name}.jsonl") if self._folder else ""

    def append(self, session_id: str, whats: Sequence[What], now: float) -> None:
        """Write down what happened; never raises for what the disk does."""
        if not whats or self._folder is None:
            return
        at = datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds")
        data = b"".join(row(what, at) for what in whats)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            file = os.open(self.path(session_id), os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                _append(file, data)
            finally:
                os.close(file)
        except OSError as error:
            logger.warning("cannot write what a session does session_id=%s: %s", session_id, error)

    def prune(self, now: float) -> None:
        """Take away those of sessions that said nothing for a month. Looks at the disk; may block."""
        for file in self._folder.glob("*.jsonl") if self._folder else ():
            try:
                if file.stat().st_mtime < now - KEPT:
                    file.unlink()
            except OSError:
                continue


def _append(file: int, data: bytes) -> None:
    size = os.fstat(file).st_size
    if size + len(data) > MOST_BYTES:
        return
    half = size > 0 and os.pread(file, 1, size - 1) != b"\n"  # a full disk, or a power cut, cut it short
    os.write(file, b"\n" + data if half else data)


def row(what: What, at: str) -> bytes:
    """The line of one thing."""
    name = _OF.get(type(what))
    if name is None:
        return b""
    fields = json.dumps({"at": at, "what": name, **asdict(what)}, default=_value)
    return MARK + fields[1:].encode() + b"\n"


def is_row(line: bytes) -> bool:
    """Whether a line of a record is one of ours."""
    return line.startswith(MARK)


def parse(line: bytes, since: str) -> tuple[tuple[Event, ...], str]:
    """What a row tells that is newer than `since`, and when it was; nothing and "" for what is no row."""
    try:
        fields = json.loads(line)
        at, kind = str(fields.pop("at"))[:40], _NAMES[fields.pop("what")]
        del fields["pointsman"]
        if at <= since:
            return (), at
        return (Event(_made(kind, fields), datetime.fromisoformat(at).timestamp()),), at
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return (), ""


def _made(kind: type, fields: dict[str, object]) -> What:
    if kind is Said:
        fields["by"] = Speaker(fields["by"])
    elif kind is ToolUsed:
        fields["state"] = WorkState(fields["state"])
        fields["kind"] = ToolKind(fields["kind"]) if fields.get("kind") else None
    elif kind is Described:
        commands = fields.get("commands", ())
        if not isinstance(commands, list | tuple):
            raise TypeError("commands")
        fields["commands"] = tuple(str(command) for command in commands)
    elif kind is Planned:
        entries = fields["entries"]
        if not isinstance(entries, list):
            raise TypeError("entries")
        fields["entries"] = tuple((str(words), WorkState(state)) for words, state in entries)
    made: What = kind(**fields)
    if not all(_is_as_declared(getattr(made, each.name), each.type) for each in dataclass_fields(made)):
        raise TypeError(kind.__name__)  # a disk gone wrong may well leave what is still JSON
    return made


def _is_as_declared(value: object, declared: object) -> bool:
    """Of what is simple; the rest is made of it above."""
    if declared is int or declared is float:
        if isinstance(value, bool) or not isinstance(value, int if declared is int else int | float):
            return False
        return 0 <= value < 2**63  # what a protobuf takes
    return declared not in (str, bool) or type(value) is declared


def _value(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(type(value).__name__)
