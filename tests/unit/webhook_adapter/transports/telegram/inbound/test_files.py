"""Files go from Telegram to the router in parts, before anything is handed in."""

from collections.abc import Iterator

import pytest

from pointsman.client.errors import RouterError
from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind
from tests.fakes.telegram_state import Message
from tests.unit.webhook_adapter.transports.telegram.bot import client_of, telegram_with_chat
from webhook_adapter.model import StoredFile
from webhook_adapter.router.errors import unavailable
from webhook_adapter.transports.telegram.inbound.files import MAX_FILE, NOT_BROUGHT, PART, TOO_BIG, Brought, Files
from webhook_adapter.transports.telegram.inbound.update import Attached

KEY = "telegram:271828182:7"


class Shelf:
    """Where the router's parts would be."""

    def __init__(self) -> None:
        self.parts: dict[tuple[str, int], bytes] = {}

    def put(self, file_id: str, number: int, data: bytes) -> None:
        self.parts[file_id, number] = data

    @property
    def content(self) -> bytes:
        return b"".join(data for _, data in sorted(self.parts.items()))


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with telegram_with_chat() as telegram:
        yield telegram


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def files(telegram: TelegramStandIn, shelf: Shelf) -> Iterator[Files]:
    with client_of(telegram) as client:
        yield Files(client, shelf.put)


def attached(message: Message, size: int | None = None) -> Attached:
    found = message.extra["document"]
    return Attached(found["file_id"], "a.bin", found["file_size"] if size is None else size)


def test_a_file_comes_whole_and_in_parts(telegram: TelegramStandIn, files: Files, shelf: Shelf) -> None:
    content = bytes(range(256)) * 5000

    brought = files.bring(KEY, attached(telegram.user_sends(content)))
    again = files.bring(KEY, attached(telegram.user_sends(content)))

    assert brought.file is not None
    assert (brought, brought.file.name, brought.file.size) == (again, "a.bin", len(content))
    assert (shelf.content, max(map(len, shelf.parts.values())), len(shelf.parts)) == (content, PART, 3)


def test_an_empty_file_is_a_file(telegram: TelegramStandIn, files: Files) -> None:
    brought = files.bring(KEY, attached(telegram.user_sends(b"")))

    assert isinstance(brought.file, StoredFile)
    assert brought.file.size == 0


@pytest.mark.parametrize("told", [MAX_FILE + 1, 0], ids=["told before", "told by getFile"])
def test_what_telegram_does_not_give_to_bots_is_said(telegram: TelegramStandIn, files: Files, told: int) -> None:
    message = telegram.user_sends(b"x" * (MAX_FILE + 1))

    assert files.bring(KEY, attached(message, size=told)) == Brought(problem=TOO_BIG)


def test_a_stumble_is_tried_again(telegram: TelegramStandIn, files: Files, shelf: Shelf) -> None:
    telegram.fail("getFile", Fault(FaultKind.RESET_BEFORE))

    files.bring(KEY, attached(telegram.user_sends(b"hello")))

    assert shelf.content == b"hello"


@pytest.mark.parametrize(
    ("fault", "times"),
    [(Fault(FaultKind.HTML_PAGE), 2), (Fault(FaultKind.REFUSE, 400, "Bad Request: wrong file_id"), 1)],
    ids=["no answer", "refused"],
)
def test_what_does_not_come_is_said(telegram: TelegramStandIn, files: Files, fault: Fault, times: int) -> None:
    telegram.fail("getFile", fault, times=times)

    assert files.bring(KEY, attached(telegram.user_sends(b"hello"))) == Brought(problem=NOT_BROUGHT)


def test_a_link_that_has_run_out_is_said(telegram: TelegramStandIn, files: Files, shelf: Shelf) -> None:
    message = telegram.user_sends(b"hello")
    telegram.world.files_gone = True

    assert files.bring(KEY, attached(message)) == Brought(problem=NOT_BROUGHT)
    assert shelf.parts == {}


def test_a_router_that_is_away_lets_the_update_come_again(telegram: TelegramStandIn) -> None:
    def put(_file_id: str, _number: int, _data: bytes) -> None:
        raise unavailable("away")

    with client_of(telegram) as client, pytest.raises(RouterError):
        Files(client, put).bring(KEY, attached(telegram.user_sends(b"hello")))
