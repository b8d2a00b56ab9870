"""Files that sessions sent to people, for the page to save.

Shown are pictures alone: a browser would run what is in others.
"""

from collections.abc import Iterator
from itertools import chain

from flask import Blueprint, Response
from msgspec import Struct

from pointsman.client.records import NotificationFile
from webhook_adapter.console.ports import ConsoleRouter
from webhook_adapter.json_bodies import InvalidRequest, query

_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


class WantedFile(Struct):
    """A file of a notification, by its number from 0."""

    notification: str
    number: str


def picture_kind(begins: bytes) -> str:
    """What a picture is, by its first bytes alone; empty for all else, and for SVG, which can hold scripts."""
    if begins[:4] == b"RIFF" and begins[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for mark, kind in _PICTURES.items() if begins.startswith(mark)), "")


def add_downloads(blueprint: Blueprint, router: ConsoleRouter) -> None:
    """Give the blueprint its files; it has let the visitor in before."""

    @blueprint.get("/console/file")
    def file() -> Response:
        wanted, first, parts = _opened(router)
        response = _answer(wanted, first, parts, "application/octet-stream")
        response.headers.set("Content-Disposition", "attachment", filename=wanted.name)
        return response

    @blueprint.get("/console/image")
    def image() -> Response:
        wanted, first, parts = _opened(router)
        if not (kind := picture_kind(first)):
            raise InvalidRequest("that file is no picture")
        return _answer(wanted, first, parts, kind)


def _opened(router: ConsoleRouter) -> tuple[NotificationFile, bytes, Iterator[bytes]]:
    """The file that is asked for: its first part, before an answer begins, as a refusal can be told then; the rest."""
    asked = query(WantedFile)
    note = router.own.notification(asked.notification)
    if asked.number not in map(str, range(len(note.files))):
        raise InvalidRequest("number must be that of a file of the notification, from 0")
    wanted = note.files[int(asked.number)]
    parts = iter(router.file_parts(note.notification_id, wanted.file_id))
    return wanted, next(parts, b""), parts


def _answer(wanted: NotificationFile, first: bytes, parts: Iterator[bytes], kind: str) -> Response:
    response = Response(chain((first,), parts), mimetype=kind)
    response.content_length = wanted.size
    return response
