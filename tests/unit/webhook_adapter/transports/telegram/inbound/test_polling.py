import random
import threading

import pytest

from pointsman.client.records import CommandState
from tests.fakes.telegram_faults import FOR_EVER, Fault, FaultKind
from tests.unit.webhook_adapter.transports.telegram.bot import CHAT, client_of, telegram_with_chat
from webhook_adapter.backoff import Backoff
from webhook_adapter.config import TelegramConfig
from webhook_adapter.model import Submission, Submitted
from webhook_adapter.transports.telegram.inbound.files import NO_FILE
from webhook_adapter.transports.telegram.inbound.intake import Intake
from webhook_adapter.transports.telegram.inbound.polling import EARLY_S, Polling


class Stop(threading.Event):
    """Ends a loop after so many pauses; each is there at once, on a clock that otherwise stands still."""

    def __init__(self, pauses: int) -> None:
        super().__init__()
        self._most = pauses
        self.pauses: list[float] = []
        self._looks = 0

    def clock(self) -> float:
        self._looks += 1
        if self._looks > 100 * self._most:
            raise AssertionError("it goes on without a pause")
        return sum(self.pauses)

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        if len(self.pauses) == self._most:
            self.set()
        return self.is_set()


def submit(submission: Submission) -> Submitted:
    """A router's side with a fault of its own over one text."""
    return {"good": Submitted("c1", CommandState.QUEUED, "s1", "", False)}[submission.text]


def test_an_update_we_stumble_over_is_skipped_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()
    with telegram_with_chat() as telegram, client_of(telegram) as client:
        config = TelegramConfig(telegram.token, "s", "p", telegram.base_url, (CHAT,), ())
        intake = Intake(config, submit, lambda _key, _attached: NO_FILE, lambda _stranger: True)
        polling = Polling(client, intake.receive, Backoff(0.1, 1.0, random.Random()), stop)
        telegram.user_writes("bad")
        telegram.user_writes("good")
        loop = threading.Thread(target=polling.run)
        loop.start()
        telegram.wait_for(lambda: not telegram.pending_updates)
        stop.set()
        telegram.user_writes("good")  # ends the poll
        loop.join()

    assert "update skipped" in caplog.text


@pytest.mark.parametrize("result", [[], True, None, [{"update_id": "none"}]], ids=["empty", "true", "null", "no id"])
def test_an_answer_that_comes_at_once_and_brings_nothing_is_followed_by_a_pause(result: object) -> None:
    stop = Stop(pauses=5)
    with telegram_with_chat() as telegram, client_of(telegram) as client:
        telegram.fail("getUpdates", Fault(FaultKind.ANSWER, result=result), times=FOR_EVER)
        config = TelegramConfig(telegram.token, "s", "p", telegram.base_url, (CHAT,), ())
        intake = Intake(config, submit, lambda _key, _attached: NO_FILE, lambda _stranger: True)
        backoff = Backoff(0.1, 1.0, random.Random())
        Polling(client, intake.receive, backoff, stop, stop.clock).run()
        polls = len(telegram.calls("getUpdates"))

    assert (polls, stop.pauses) == (5, [EARLY_S] * 5)


def test_an_answer_that_brings_something_is_followed_by_the_next_poll() -> None:
    stop = Stop(pauses=1)
    with telegram_with_chat() as telegram, client_of(telegram) as client:
        config = TelegramConfig(telegram.token, "s", "p", telegram.base_url, (CHAT,), ())
        intake = Intake(config, submit, lambda _key, _attached: NO_FILE, lambda _stranger: True)
        backoff = Backoff(0.1, 1.0, random.Random())
        telegram.user_writes("good")
        telegram.fail("getUpdates", Fault(FaultKind.SLOW, seconds=0.0))
        telegram.fail("getUpdates", Fault(FaultKind.ANSWER, result=[]))
        Polling(client, intake.receive, backoff, stop, stop.clock).run()

    assert [call.method for call in telegram.calls()] == ["getUpdates", "getUpdates"]
    assert telegram.calls()[1].params["offset"] == telegram.calls()[0].answer["result"][0]["update_id"] + 1
