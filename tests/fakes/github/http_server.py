"""The stand-in's HTTP side, with its faults."""

import json
import socket
import struct
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.github.api import Api
from tests.fakes.github.faults import Fault, FaultKind, FaultScript
from tests.fakes.github.git_host import GitCall, GitHost
from tests.fakes.github.payloads import ROOT
from tests.fakes.github.request import Answer, Request

_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>Unicorn!</body></html>"
_CUTS = (FaultKind.CUT_BEFORE, FaultKind.CUT_AFTER)


class GitHubHttp(ThreadingHTTPServer):
    """A threaded server that can end although clients hold connections open."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, api: Api, faults: FaultScript, git: GitHost) -> None:
        self.api, self.faults, self.git = api, faults, git
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
        """Break open connections, close."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: GitHubHttp

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the record of calls is the log."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if len(body := self.rfile.read(length)) < length:
            self.close_connection = True
            return
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.server.git.is_meant(url.path):
            self._answer_git(GitCall(self.command, unquote(url.path), url.query, headers, body))
            return
        try:
            told = json.loads(body) if body else {}
        except ValueError:
            self._send(Answer(400, {"message": "Problems parsing JSON"}))
            return
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        request = Request(self.command, unquote(url.path), query, headers, told if isinstance(told, dict) else {})
        fault = self.server.faults.strike(request.method, request.path)
        self._answer(request, fault)

    def _answer_git(self, call: GitCall) -> None:
        fault = self.server.faults.strike(call.method, call.path)
        told = fault.told if fault and fault.kind is FaultKind.TELL else lambda _is_done: None
        told(False)
        answer = self.server.git.answer(call)
        told(True)
        self._send_bytes(answer.status, answer.content, answer.headers)

    def _answer(self, request: Request, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        if fault and kind is FaultKind.REFUSE:
            self._send(Answer(fault.status, {"message": fault.message}, dict(fault.headers)))
            return
        if fault and kind is FaultKind.HANG:
            self.server.faults.hang(fault)
        told = fault.told if fault and kind is FaultKind.TELL else lambda _is_done: None
        told(False)
        if kind not in (FaultKind.CUT_BEFORE, FaultKind.PAGE, FaultKind.HANG):
            answer = self.server.api.serve(request)
        told(True)
        if kind in _CUTS or kind is FaultKind.HANG:
            self._reset()
        elif kind in (FaultKind.PAGE, FaultKind.PAGE_AFTER):
            self._send_bytes(502, _PAGE, {"Content-Type": "text/html"})
        else:
            self._send(answer, slowly=kind is FaultKind.SLOW)

    def _send(self, answer: Answer, *, slowly: bool = False) -> None:
        base = f"http://127.0.0.1:{self.server.server_address[1]}"
        content = b"" if answer.status in (204, 304) else json.dumps(answer.body, ensure_ascii=False).encode()
        content = content.replace(ROOT.encode(), base.encode())  # clients follow the addresses in an answer
        headers = {"Content-Type": "application/json; charset=utf-8", "X-GitHub-Request-Id": "0:1"}
        headers |= {name: value.replace(ROOT, base) for name, value in answer.headers.items()}
        self._send_bytes(answer.status, content, headers, slowly=slowly)

    def _send_bytes(self, status: int, content: bytes, headers: dict[str, str], *, slowly: bool = False) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        size = 16 if slowly else len(content) or 1
        for at in range(0, len(content), size):
            self.wfile.write(content[at : at + size])
            self.wfile.flush()

    def _reset(self) -> None:
        """Close with a TCP reset, as a broken network does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
