"""Files that sessions sent to people, for the page to save. Never shown: a browser would run what is in some."""

from itertools import chain

from flask import Blueprint, Response
from msgspec import Struct

from webhook_adapter.console.ports import ConsoleRouter
from webhook_adapter.json_bodies import InvalidRequest, query


class WantedFile(Struct):
    """A file of a notification, by its number from 0."""

    notification: str
    number: str


def add_downloads(blueprint: Blueprint, router: ConsoleRouter) -> None:
    """Give the blueprint its files; it has let the visitor in before."""

    @blueprint.get("/console/file")
    def file() -> Response:
        asked = query(WantedFile)
        note = router.own.notification(asked.notification)
        if asked.number not in map(str, range(len(note.files))):
            raise InvalidRequest("number must be that of a file of the notification, from 0")
        wanted = note.files[int(asked.number)]
        parts = iter(router.file_parts(note.notification_id, wanted.file_id))
        first = next(parts, b"")  # before the answer begins: a refusal can still be told
        response = Response(chain((first,), parts), mimetype="application/octet-stream")
        response.content_length = wanted.size
        response.headers.set("Content-Disposition", "attachment", filename=wanted.name)
        return response
