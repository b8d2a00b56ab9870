"""Each platform in turn, with all that the suite needs of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.integration.webhook_adapter.courier_process import API_KEY
from tests.integration.webhook_adapter.transports.conformance.play import Play
from tests.integration.webhook_adapter.transports.conformance.table import STAGES
from tests.rigs.scripted_outbox import ChatLinkStandIn
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.registry import GROUP


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example, as a package of somebody else's: its line is an entry point."""
    about = tmp_path / "site" / "logbook-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: logbook\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\nlogbook = examples.logbook:LOGBOOK\n")
    monkeypatch.syspath_prepend(about.parent)


@pytest.fixture(params=STAGES)
def play(request: pytest.FixtureRequest, tmp_path: Path, installed: None) -> Iterator[Play]:  # noqa: ARG001
    stage = STAGES[request.param](tmp_path)
    with ChatLinkStandIn(api_key=API_KEY) as router:
        stage.router = router
        stage.meets(router)
        play = Play(router, stage)
        yield play
        play.courier.stop()
        stage.close()
    assert not play.courier.failed


@pytest.fixture
def http(play: Play) -> Iterator[FlaskClient]:
    """The platform's endpoints."""
    client = RouterClient(play.config)
    yield create_app(play.config, client).test_client()
    client.close()
