"""Files that people send to sessions: kept until their machine has fetched them, and a few days longer."""

import re

from router.clock import Clock
from router.domain.command import FileInput
from router.domain.errors import Reason, Refusal
from router.domain.session import checked_id
from router.store import commands, files
from router.store.database import Database, Transaction

MAX_FILE = 20 * 1024 * 1024  # bytes: what Telegram gives to bots
MAX_PART = 512 * 1024  # bytes
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


class Files:
    """Takes parts from doors, gives them to machines."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def put(self, file_id: str, number: int, data: bytes) -> None:
        """Keep a part. Raises Refusal when it is too large, or too far behind."""
        checked_id(file_id, "file_id")
        if not 0 < len(data) <= MAX_PART or number * MAX_PART > MAX_FILE:
            raise Refusal(Reason.TOO_LARGE, f"A part has 1 to {MAX_PART} bytes, a file at most {MAX_FILE}.")
        await self._database.write(lambda tx: files.put(tx, file_id, number, data, self._clock.now()))

    async def get(self, machine_id: str, command_id: str, number: int) -> bytes:
        """A part of the file of a machine's own command; empty behind the last. Raises Refusal when it is gone."""
        command = await self._database.read(lambda connection: commands.find(connection, command_id))
        if command is None or command.machine_id != machine_id or not isinstance(command.action, FileInput):
            raise Refusal(Reason.NOT_FOUND, f"This machine has no command {command_id} with a file.")
        file_id = command.action.file_id
        data = await self._database.read(lambda connection: files.part(connection, file_id, number))
        if not data and number == 0 and command.action.size:
            raise Refusal(Reason.FILE_GONE, "The file is not here any more. Send it again.")
        return data


def checked(file: FileInput) -> FileInput:
    """The file, when its name and size can be. Raises Refusal."""
    if not _NAME.fullmatch(file.name):
        raise Refusal(Reason.INVALID_ARGUMENT, "A file's name has 1 to 64 letters, digits, '.', '_' and '-'.")
    if file.size > MAX_FILE:
        raise Refusal(Reason.TOO_LARGE, f"The file has {file.size} bytes; the limit is {MAX_FILE}.")
    return file


def whole(tx: Transaction, file: FileInput) -> FileInput:
    """The file, when all of it is here. Raises Refusal: its door was too fast."""
    if files.size(tx, file.file_id) != file.size:
        raise Refusal(Reason.INVALID_ARGUMENT, "The file is not whole here. Put all its parts first.")
    return file
