"""Files that come with messages: brought from Telegram to the router before the message is handed in."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from webhook_adapter.loop import aside
from webhook_adapter.model import StoredFile
from webhook_adapter.transports.telegram.client import ApiRefused, NoAnswer, TelegramClient, TelegramError
from webhook_adapter.transports.telegram.inbound.update import Attached

logger = logging.getLogger(__name__)

MAX_FILE = 20 * 1024 * 1024  # bytes: more, Telegram does not give to bots
PART = 512 * 1024  # bytes
TOO_BIG = "it is larger than the 20 MB that Telegram gives to bots"
NOT_BROUGHT = "Telegram did not give it; send it again"
_TRIES = 2  # with 60 s for the whole request, no more


@dataclass(frozen=True, slots=True)
class Brought:
    """The file at the router, or why it is not there, for people."""

    file: StoredFile | None = None
    problem: str = ""


NO_FILE = Brought()


class Files:
    """Brings files. `put` hands a part to the router: the file's id, the part's number, its bytes."""

    def __init__(self, client: TelegramClient, put: Callable[[str, int, bytes], None]) -> None:
        self._client = client
        self._put = put

    def bring(self, update_key: str, attached: Attached) -> Brought:
        """Bring a message's file; tried again, it becomes the same one. Raises RouterError, as handing in does."""
        if attached.size > MAX_FILE:
            return Brought(problem=TOO_BIG)
        for _ in range(_TRIES):
            try:
                return aside(partial(self._once, update_key, attached))
            except ApiRefused as refused:
                logger.warning("file refused key=%s: %s", update_key, refused)
                return Brought(problem=TOO_BIG if "too big" in refused.description else NOT_BROUGHT)
            except TelegramError as error:
                logger.warning("file not brought key=%s: %s", update_key, error)
        return Brought(problem=NOT_BROUGHT)

    def _once(self, update_key: str, attached: Attached) -> Brought:
        found = self._client.call("getFile", {"file_id": attached.file_id})
        path = str(found.get("file_path") or "") if isinstance(found, dict) else ""
        if not path:
            raise NoAnswer("Telegram's answer holds no path")
        # The same id at every try, so that parts that were put twice are one file.
        file_id, size = str(uuid.uuid5(uuid.NAMESPACE_URL, update_key)), 0
        for number, part in enumerate(self._client.download(path, PART)):
            self._put(file_id, number, part)
            size += len(part)
        return Brought(StoredFile(file_id, attached.name, size))
