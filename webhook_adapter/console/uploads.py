"""Files that people give to a session from the page.

They come in parts, and a message names them, as files from chats do.
"""

import re
import uuid
from typing import Annotated

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue
from msgspec import Meta, Struct

from webhook_adapter.console.ports import ConsoleRouter
from webhook_adapter.json_bodies import InvalidRequest, query
from webhook_adapter.model import StoredFile

PART = 512 * 1024  # bytes: what the router takes at once
MAX_FILE = 20 * 1024 * 1024  # bytes, as of files from chats
_MOST_NAME = 64
_FileKey = Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{8,64}\Z")]


class Part(Struct):
    """Of which file, and which part, from 0."""

    file: _FileKey
    number: Annotated[int, Meta(ge=0, lt=MAX_FILE // PART)]


class UploadedFile(Struct):
    """A file whose parts have all been handed in."""

    key: _FileKey
    name: str
    size: Annotated[int, Meta(ge=1, le=MAX_FILE)]

    def stored(self, login_id: str) -> StoredFile:
        """As the router has it."""
        return StoredFile(_file_id(login_id, self.key), file_name(self.name), self.size)


def file_name(name: str) -> str:
    """What is left of a name that may be any text; of a long one its end, which says what is in it."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[-_MOST_NAME:].lstrip(".-")
    return kept or "file"


def add_uploads(blueprint: Blueprint, router: ConsoleRouter) -> None:
    """Give the blueprint its way in for files."""

    @blueprint.post("/console/api/upload")
    def upload() -> ResponseReturnValue:
        part, data = query(Part), request.get_data(cache=False)
        if not 0 < len(data) <= PART:
            raise InvalidRequest(f"a part has 1 to {PART} bytes")
        router.put_file(_file_id(g.visitor.session_id, part.file), part.number, data)
        return jsonify(ok=True)


def _file_id(login_id: str, key: str) -> str:
    """Of this browser alone: nobody puts parts into the file of another."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{login_id}/{key}"))
