"""The stand-in's HTTP side: the bot's calls under /bot<token>/, files, and the door for tests under /_stub/."""

import json
import socket
import struct
from collections.abc import Callable
from email.message import Message as MimeMessage
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.telegram_api import Answer, BotApi
from tests.fakes.telegram_state import Json, World

StubDoor = Callable[[str, str, Json], tuple[int, Any]]
UNAUTHORIZED = Answer(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
NOT_FOUND = Answer(404, {"ok": False, "error_code": 404, "description": "Not Found"})


class TelegramHttp(ThreadingHTTPServer):
    """A threaded server that can end although clients hold connections open."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, port: int, world: World, api: BotApi, stub: StubDoor) -> None:
        self.world, self.api, self.stub = world, api, stub
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def close_all(self) -> None:
        """Break open connections, wait for their threads, close."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: TelegramHttp

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the record of calls is the log."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if len(body := self.rfile.read(length)) < length:
            self.close_connection = True  # the caller broke off: half a request is none
            return
        params: Json = dict(parse_qsl(url.query, keep_blank_values=True))
        try:
            params |= _body_params(self.headers.get("Content-Type", ""), body)
        except ValueError:
            self._send(400, {"ok": False, "error_code": 400, "description": "Bad Request: can't parse the body"})
            return
        if url.path.startswith("/_stub/"):
            self._send(*self.server.stub(self.command, url.path.removeprefix("/_stub/"), params))
        elif url.path.startswith("/file/bot"):
            self._send_file(url.path.removeprefix("/file/bot"))
        else:
            self._answer(self._call(url.path, params))

    def _call(self, path: str, params: Json) -> Answer:
        if not path.startswith("/bot"):
            return NOT_FOUND
        token, _, method = path.removeprefix("/bot").partition("/")
        return self.server.api.call(method, params) if token == self.server.world.token else UNAUTHORIZED

    def _answer(self, answer: Answer) -> None:
        if answer.status == 0:
            self._reset()
            return
        if answer.page:
            self._send_bytes(answer.status, answer.page, "text/html" if answer.status != 200 else "application/json")
            return
        after = answer.body.get("parameters", {}).get("retry_after")
        self._send(answer.status, answer.body, {"Retry-After": str(after)} if after else {})

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body, ensure_ascii=False).encode()
        self._send_bytes(status, content, "application/json", headers)

    def _send_bytes(self, status: int, content: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _send_file(self, rest: str) -> None:
        token, _, path = unquote(rest).partition("/")
        content = self.server.world.files.get(path.removeprefix("files/"))
        if token != self.server.world.token or content is None or self.server.world.files_gone:
            self._answer(NOT_FOUND)
        else:
            self._send_bytes(200, content, "application/octet-stream")

    def _reset(self) -> None:
        """Close with a TCP reset, as a broken network does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _body_params(content_type: str, body: bytes) -> Json:
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return {}
    if kind == "application/json":
        found = json.loads(body)
        if not isinstance(found, dict):
            raise ValueError("a JSON object is expected")
        return found
    if kind == "multipart/form-data":
        return _multipart(content_type, body)
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def _multipart(content_type: str, body: bytes) -> Json:
    whole = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    return dict(_form_field(part) for part in whole.iter_parts())


def _form_field(part: MimeMessage) -> tuple[str, Any]:
    name = str(part.get_param("name", header="content-disposition"))
    content = part.get_payload(decode=True)
    payload = content if isinstance(content, bytes) else b""
    return name, (part.get_filename(), payload) if part.get_filename() else payload.decode()
