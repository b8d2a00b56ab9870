import random
import threading

import pytest

from tests.unit.webhook_adapter.transports.telegram.bot import CHAT, client_of, telegram_with_chat
from webhook_adapter.backoff import Backoff
from webhook_adapter.config import TelegramConfig
from webhook_adapter.model import CommandState, Submission, Submitted
from webhook_adapter.transports.telegram.files import NO_FILE
from webhook_adapter.transports.telegram.intake import Intake
from webhook_adapter.transports.telegram.polling import Polling


def submit(submission: Submission) -> Submitted:
    """A router's side with a fault of its own over one text."""
    return {"good": Submitted("c1", CommandState.QUEUED, "s1", "", False)}[submission.text]


def test_an_update_we_stumble_over_is_skipped_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()
    with telegram_with_chat() as telegram, client_of(telegram) as client:
        config = TelegramConfig(telegram.token, "s", "p", telegram.base_url, (CHAT,), ())
        intake = Intake(config, submit, lambda _key, _attached: NO_FILE)
        polling = Polling(client, intake, lambda _id, _text: None, Backoff(0.1, 1.0, random.Random()), stop)
        telegram.user_writes("bad")
        telegram.user_writes("good")
        loop = threading.Thread(target=polling.run)
        loop.start()
        telegram.wait_for(lambda: not telegram.pending_updates)
        stop.set()
        telegram.user_writes("good")  # ends the poll
        loop.join()

    assert "update skipped" in caplog.text
