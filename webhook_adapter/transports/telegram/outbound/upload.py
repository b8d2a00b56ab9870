"""Files on their way to Telegram: read while they are sent, so that a large one is never in memory as a whole."""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_BLOCK = 64 * 1024  # bytes; each must leave within the connection's timeout, also on a slow line


class CutShort(Exception):
    """There is less of a file than was said, or more."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send along. `parts` gives its bytes, from the beginning at each call."""

    name: str
    size: int  # bytes
    parts: Callable[[], Iterable[bytes]]


class Form:
    """A call's parameters and its file as multipart/form-data (RFC 7578). Sending raises what reading raises."""

    def __init__(self, params: Mapping[str, Any], parameter: str, upload: Upload) -> None:
        """`parameter`: the one that the file belongs to."""
        self._upload = upload
        boundary = uuid.uuid4().hex
        self.headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        begin = f'--{boundary}\r\nContent-Disposition: form-data; name="'
        fields = [f'{begin}{name}"\r\n\r\n{_plain(value)}\r\n' for name, value in params.items()]
        kind = "Content-Type: application/octet-stream\r\n\r\n"
        fields.append(f'{begin}{parameter}"; filename="{upload.name}"\r\n{kind}')
        self._before = "".join(fields).encode()
        self._after = f"\r\n--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        """Bytes of all of it."""
        return len(self._before) + self._upload.size + len(self._after)

    def __iter__(self) -> Iterator[bytes]:
        yield self._before
        left = self._upload.size
        for part in self._upload.parts():
            left -= len(part)
            if left < 0:
                break
            yield from (part[at : at + _BLOCK] for at in range(0, len(part), _BLOCK))
        # Telegram would take half a file for the whole.
        if left:
            raise CutShort(f"{self._upload.name} has not the {self._upload.size} bytes that were said")
        yield self._after


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
