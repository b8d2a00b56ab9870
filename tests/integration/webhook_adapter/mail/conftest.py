"""A courier with a mailbox, between stand-ins for mail servers and for the router."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.webhook_adapter.courier_process import API_KEY
from tests.integration.webhook_adapter.mail.desk import Desk
from tests.integration.webhook_adapter.transports.conformance.mail_stage import MailStage
from tests.rigs.scripted_outbox import ChatLinkStandIn


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[MailStage]:
    stage = MailStage(tmp_path)
    yield stage
    stage.close()


@pytest.fixture
def desk(stage: MailStage) -> Iterator[Desk]:
    with ChatLinkStandIn(api_key=API_KEY) as router:
        desk = Desk(router, stage)
        yield desk
        desk.courier.stop()
    assert not desk.courier.failed
