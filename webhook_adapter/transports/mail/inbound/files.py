"""Files that came with a mail, on their way to the router: there before the mail that names them is handed in."""

import uuid
from collections.abc import Callable

from webhook_adapter.model import StoredFile
from webhook_adapter.transports.mail.inbound.content import MailFile

PART = 512 * 1024  # bytes


def store(put: Callable[[str, int, bytes], None], key: str, file: MailFile) -> StoredFile:
    """Bring one; by the same update key it is the same file. `put` hands a part in. Raises RouterError."""
    file_id = str(uuid.uuid5(uuid.NAMESPACE_URL, key))
    for number, start in enumerate(range(0, max(1, len(file.content)), PART)):
        put(file_id, number, file.content[start : start + PART])
    return StoredFile(file_id, file.name, len(file.content))
