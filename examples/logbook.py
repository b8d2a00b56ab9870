"""A chat platform in one file: a message is a line of JSON in a file, and people write by HTTP. See docs/transports.md.

LOGBOOK=/tmp/logbook LOGBOOK_SECRET=open-sesame pointsman up
curl -H 'X-Secret: open-sesame' -d id=my-1 -d text=/sessions 127.0.0.1:8080/logbook
"""

import json
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, abort, request

from webhook_adapter.auth import is_secret
from webhook_adapter.model import Chat, Submission
from webhook_adapter.transports.platform import Host, Platform, Route
from webhook_adapter.transports.transport import Delivered, Outgoing, Refused, SendOutcome


class Logbook:
    name = "logbook"

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def send(self, message: Outgoing) -> SendOutcome:
        if not self._path.parent.is_dir():
            return Refused(f"no folder {self._path.parent}", chat_closed=True)
        files = {each.name: b"".join(each.parts()).decode(errors="replace") for each in message.files}
        buttons = {each.label: each.data for each in message.buttons}
        with self._path.open("a") as book:
            number = str(book.tell())
            book.write(json.dumps([number, message.heading, message.text, buttons, files]) + "\n")
        return Delivered((number,))


def way_in(host: Host) -> Blueprint | None:
    blueprint, secret = Blueprint("logbook", __name__), host.config.environ.get("LOGBOOK_SECRET")
    if not secret:
        return None

    @blueprint.post("/logbook")
    def take() -> dict[str, str]:
        if not is_secret(request.headers.get("X-Secret", ""), secret):
            abort(HTTPStatus.UNAUTHORIZED)
        sent, key = request.form, f"logbook:{request.form['id']}"
        place = Chat("logbook", "all", message_id=sent.get("message", ""))
        said, answers, press = sent.get("text", ""), sent.get("answers", ""), sent.get("press")
        return {"answer": host.submit(Submission(key, place, "logbook", said, answers, button=press)).answer}

    return blueprint


def way_out(host: Host) -> Route | None:
    path = host.config.environ.get("LOGBOOK")
    return Route(Logbook(path), ("all",)) if path else None


LOGBOOK = Platform("logbook", way_in, way_out)
