"""The way one would write it first: Flask, one unary call per update, one transaction per call. And the bare parts.

Run as `python textbook.py router DATABASE` or `python textbook.py http ROUTER`; each prints a ready line.
"""

import asyncio
import json
import sys
import threading
from concurrent import futures

import grpc
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as pb
from flask import Flask, request
from gunicorn.app.base import BaseApplication
from peewee import AutoField, Model, SqliteDatabase, TextField

SUBMIT = "/textbook/Submit"
CONNECT = "/textbook/Connect"
ECHO = "/textbook/Echo"
NOTHING = "/textbook/Nothing"


class Textbook:
    """A router in forty lines: insert, commit, push."""

    def __init__(self, path: str) -> None:
        pragmas = {"journal_mode": "wal", "synchronous": "full", "busy_timeout": 5000}
        self.database = SqliteDatabase(path, pragmas=pragmas, thread_safe=True)

        class Command(Model):
            position = AutoField()
            update_key = TextField(unique=True)
            text = TextField()
            state = TextField(default="queued")

            class Meta:
                database = self.database

        self.table = Command
        self.database.create_tables([Command])
        self.workers = futures.ThreadPoolExecutor(8)
        self.agents: list[asyncio.Queue[bytes]] = []

    async def submit(self, raw: chat_pb.SubmitRequest, _context: object) -> chat_pb.SubmitResponse:
        await asyncio.get_running_loop().run_in_executor(self.workers, self._store, raw.update_key, raw.text)
        frame = link_pb.CommandFrame(action=pb.Action(input=pb.Input(text=raw.text)))
        for agent in self.agents:
            agent.put_nowait(link_pb.RouterFrame(command=frame).SerializeToString())
        return chat_pb.SubmitResponse()

    async def connect(self, _requests: object, context: "grpc.aio.ServicerContext[bytes, bytes]") -> None:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.agents.append(queue)
        await context.write(link_pb.RouterFrame().SerializeToString())
        while True:
            await context.write(await queue.get())

    async def echo(self, _requests: object, context: "grpc.aio.ServicerContext[bytes, bytes]") -> None:
        while (raw := await context.read()) is not grpc.aio.EOF:
            await context.write(raw)

    async def nothing(self, raw: bytes, _context: object) -> bytes:
        return raw

    def _store(self, key: str, text: str) -> None:
        with self.database.connection_context(), self.database.atomic("IMMEDIATE"):
            self.table.create(update_key=key, text=text)


async def serve(path: str) -> None:
    book = Textbook(path)
    server = grpc.aio.server()
    request_of, response_of = chat_pb.SubmitRequest.FromString, chat_pb.SubmitResponse.SerializeToString
    methods = {
        "Submit": grpc.unary_unary_rpc_method_handler(book.submit, request_of, response_of),
        "Connect": grpc.stream_stream_rpc_method_handler(book.connect),
        "Nothing": grpc.unary_unary_rpc_method_handler(book.nothing),
        "Echo": grpc.stream_stream_rpc_method_handler(book.echo),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("textbook", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"ready textbook 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


def app(router: str) -> Flask:
    flask_app = Flask("textbook")
    channel = threading.local()

    @flask_app.post("/webhook/telegram/<_secret>")
    def webhook(_secret: str) -> str:
        if not hasattr(channel, "submit"):
            opened = grpc.insecure_channel(router)
            to_bytes = chat_pb.SubmitRequest.SerializeToString
            channel.submit = opened.unary_unary(SUBMIT, to_bytes, chat_pb.SubmitResponse.FromString)
        update = json.loads(request.get_data())
        text = update["message"]["text"]
        channel.submit(chat_pb.SubmitRequest(update_key=str(update["update_id"]), text=text), timeout=10)
        return ""

    @flask_app.get("/nothing")
    def nothing() -> str:
        return ""

    return flask_app


class Gunicorn(BaseApplication):
    def __init__(self, router: str) -> None:
        self._router = router
        super().__init__()

    def load_config(self) -> None:
        self.cfg.set("bind", "127.0.0.1:0")
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("threads", 16)
        self.cfg.set("keepalive", 60)
        self.cfg.set("loglevel", "critical")
        self.cfg.set("when_ready", lambda arbiter: print(f"ready http {_address(arbiter)}", flush=True))

    def load(self) -> Flask:
        return app(self._router)


def _address(arbiter: object) -> str:
    host, port = arbiter.LISTENERS[0].sock.getsockname()  # type: ignore[attr-defined]
    return f"http://{host}:{port}"


if __name__ == "__main__":
    if sys.argv[1] == "router":
        asyncio.run(serve(sys.argv[2]))
    else:
        Gunicorn(sys.argv[2]).run()
