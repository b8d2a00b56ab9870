"""From a note to a vector and back: the courier asks the endpoint of its settings, whatever else it does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from agentlink.v1 import memory_pb2 as pb

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.embedder import be_patient
from tests.waiting import wait_until
from webhook_adapter.config import AdapterConfig
from webhook_adapter.courier.courier import Courier
from webhook_adapter.transports.web.platform import WEB


class Model(BaseHTTPRequestHandler):
    """Knows of food, and of nothing else."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_food = asked["input"] in {"the canteen opens at noon", "lunch"}
        said = json.dumps({"data": [{"embedding": [1, 0] if is_food else [0, 1]}]}).encode()
        self.send_response(200 if asked["model"] == "small" else 404)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/embeddings"
        server.shutdown()
        thread.join()


def recalled(router: RouterUnderTest, query: str) -> list[str]:
    return [note.text for note in router.memory.Recall(pb.RecallRequest(query=query)).notes]


def test_a_note_is_found_by_what_it_means(data_dir: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    be_patient(monkeypatch)
    with serving(config(data_dir, embeddings="small")) as router:
        for text in ("the canteen opens at noon", "indent with tabs"):
            router.memory.Remember(pb.RememberRequest(text=text))
        courier = Courier(
            AdapterConfig.from_environ(
                {"POINTSMAN_API_KEY": API_KEY, "POINTSMAN_ROUTER": router.address, "POINTSMAN_EMBEDDINGS_URL": endpoint}
            ),
            (WEB,),
        )
        courier.start()

        wait_until(lambda: recalled(router, "lunch") == ["the canteen opens at noon"])
        assert recalled(router, "tabs")[0] == "indent with tabs"
        courier.stop()
        assert not courier.failed
