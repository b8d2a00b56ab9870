"""What a picture's first bytes say of its size: PNG, JPEG and WebP, as far as Telegram looks at it."""

import struct

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's markers that tell a size


def dimensions(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None for what is no such picture."""
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack_from(">II", content, 16)
        if content.startswith(b"\xff\xd8"):
            return _of_jpeg(content)
        if content[:4] == b"RIFF" and content[8:15] == b"WEBPVP8":
            return _of_webp(content)
    except (struct.error, IndexError):
        return None
    return None


def png(width: int, height: int) -> bytes:
    """As much of a picture as is looked at."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\x00\x00\x00"


def _of_jpeg(content: bytes) -> tuple[int, int]:
    at = 2
    while content[at + 1] not in _FRAMES:
        at += 2 + struct.unpack_from(">H", content, at + 2)[0]
    height, width = struct.unpack_from(">HH", content, at + 5)
    return width, height


def _of_webp(content: bytes) -> tuple[int, int]:
    if content[15:16] == b"X":
        wide, high = (int.from_bytes(content[at : at + 3], "little") for at in (24, 27))
        return wide + 1, high + 1
    if content[15:16] == b"L":
        bits = struct.unpack_from("<I", content, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", content, 26)
    return width & 0x3FFF, height & 0x3FFF
