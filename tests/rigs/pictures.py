"""Pictures for the documentation, in few colours: a page that is nearly white needs no sixteen millions of them."""

import base64
import struct
import zlib
from collections import Counter
from pathlib import Path

from playwright.sync_api import Browser

_COLOURS = 256
_PIXELS = """async (source) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const data = pen.getImageData(0, 0, image.width, image.height).data;
  let text = "";
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
  return [image.width, image.height, btoa(text)];
}"""


def keep(browser: Browser, picture: bytes, file: Path) -> None:
    """Write a PNG anew, with a palette."""
    page = browser.new_page()
    width, height, coded = page.evaluate(_PIXELS, f"data:image/png;base64,{base64.b64encode(picture).decode()}")
    page.close()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_png(width, height, base64.b64decode(coded)))


def _png(width: int, height: int, rgba: bytes) -> bytes:
    pixels = [rgba[at : at + 3] for at in range(0, len(rgba), 4)]
    # Shades that nobody tells apart are one; of what is left, the rarest become their nearest.
    coarse = [bytes(channel & 0xF8 | channel >> 5 for channel in pixel) for pixel in pixels]
    ranked = [colour for colour, _ in Counter(coarse).most_common()]
    palette = ranked[:_COLOURS]
    places = {colour: at for at, colour in enumerate(palette)}
    places |= {colour: places[_nearest(colour, palette)] for colour in ranked[_COLOURS:]}
    indexes = bytes(places[colour] for colour in coarse)
    lines = b"".join(b"\0" + indexes[at : at + width] for at in range(0, len(indexes), width))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _nearest(colour: bytes, palette: list[bytes]) -> bytes:
    return min(palette, key=lambda other: sum((a - b) ** 2 for a, b in zip(colour, other, strict=True)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
