"""Files between people and sessions: kept until whoever they are for has fetched them, and a few days longer."""

import re
from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain.action import FileInput, TakeWorkspace
from router.domain.errors import Reason, Refusal
from router.domain.frames import Notify
from router.domain.identity import Identity, machine
from router.domain.notification import File
from router.domain.quotas import Quotas
from router.domain.session import checked_id
from router.services.outbox.notifications import Notifications
from router.store import commands, files, notifications, voices
from router.store.database import Database, Transaction

MAX_FILE = 20 * 1024 * 1024  # bytes: what Telegram gives to bots
MAX_FILE_OUT = 50_000_000  # bytes: what Telegram takes from bots
MAX_PART = 512 * 1024  # bytes
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Files:
    """Takes parts from doors and gives them to machines; and the other way, to whoever brings them to people."""

    _database: Database
    _notifications: Notifications
    _clock: Clock
    _quotas: Quotas

    async def put(self, who: Identity, file_id: str, number: int, data: bytes) -> None:
        """Keep a part. Raises Refusal when it is too large, or too far behind."""
        checked_id(file_id, "file_id")
        _check_part(number, data, MAX_FILE)
        await self._database.write(lambda tx: self._put(tx, who, file_id, number, data))

    async def put_out(self, machine_id: str, file_id: str, number: int, data: bytes) -> int:
        """Keep a part of a machine's file, if it has bytes; the number of the first part that is not here."""
        key = key_of(machine_id, checked_id(file_id, "file_id"))
        if data:
            _check_part(number, data, MAX_FILE_OUT)

        def operation(tx: Transaction) -> int:
            now = self._clock.now()
            if data:
                self._put(tx, machine(machine_id), key, number, data)
            return files.next_number(tx, key, now - files.GOOD_FOR)

        return await self._database.write(operation)

    async def notify(self, machine_id: str, told: Notify) -> None:
        """Accept a machine's message with files, all of which must be here. Raises Refusal, having written nothing."""
        await self._database.write(lambda tx: self._notify(tx, machine_id, told))

    def _notify(self, tx: Transaction, machine_id: str, told: Notify) -> None:
        fresh = self._clock.now() - files.GOOD_FOR
        named = tuple(replace(file, file_id=key_of(machine_id, file.file_id)) for file in told.files)
        # Known: its first acceptance was not answered, and its parts may be gone by now.
        known = notifications.find(tx, told.notification_id)
        if known is None and any(files.size(tx, file.file_id, fresh) != file.size for file in named):
            raise Refusal(Reason.FILE_GONE, "A part of a file is not here. Ask where to go on, and put the rest.")
        self._notifications.from_machine(tx, machine_id, replace(told, files=named))
        for file in named:
            files.name(tx, file.file_id)

    def _put(self, tx: Transaction, who: Identity, file_id: str, number: int, data: bytes) -> None:
        self._quotas.check_bytes(who, *files.held_with(tx, who.sender, file_id, number, data))
        files.put(tx, file_id, number, data, self._clock.now(), who.sender)

    async def get_out(self, notification_id: str, file_id: str, number: int) -> bytes:
        """A part of a notification's file; empty behind the last. Raises Refusal when it is gone."""
        note = await self._database.read(lambda connection: notifications.find(connection, notification_id))
        # Through the notification: a door gets what people are told, and no other file.
        if note is None or file_id not in [file.file_id for file in note.files]:
            raise Refusal(Reason.NOT_FOUND, f"There is no notification {notification_id[:128]} with this file.")
        data = await self._database.read(lambda connection: files.part(connection, file_id, number))
        # An empty part behind the last is the end; an empty first one means that the file is gone.
        if not data and number == 0:
            raise Refusal(Reason.FILE_GONE, "The file is not here any more.")
        return data

    async def get_voice(self, voice_id: str, file_id: str, number: int) -> bytes:
        """A part of a recording that waits to be turned into text; empty behind the last. Raises Refusal."""
        voice = await self._database.read(lambda connection: voices.find(connection, voice_id))
        if voice is None or voice.file.file_id != file_id:
            raise Refusal(Reason.NOT_FOUND, f"There is no recording {voice_id[:128]} with this file.")
        return await self._database.read(lambda connection: files.part(connection, file_id, number))

    async def get(self, machine_id: str, command_id: str, number: int) -> bytes:
        """A part of the file of a machine's own command; empty behind the last. Raises Refusal when it is gone."""
        command = await self._database.read(lambda connection: commands.find(connection, command_id))
        # One answer for all three: a machine learns nothing of others' commands.
        if (
            command is None
            or command.machine_id != machine_id
            or not isinstance(command.action, FileInput | TakeWorkspace)
        ):
            raise Refusal(Reason.NOT_FOUND, f"This machine has no command {command_id} with a file.")
        file_id = command.action.file_id
        data = await self._database.read(lambda connection: files.part(connection, file_id, number))
        if not data and number == 0 and command.action.size:
            raise Refusal(Reason.FILE_GONE, "The file is not here any more. Send it again.")
        return data


def checked(file: FileInput) -> FileInput:
    """The file, when its name and size can be. Raises Refusal."""
    _check(file.name, file.size, MAX_FILE)
    return file


def checked_out(file: File) -> File:
    """The same for a file for people."""
    checked_id(file.file_id, "file_id")
    _check(file.name, file.size, MAX_FILE_OUT)
    if not file.size:
        raise Refusal(Reason.INVALID_ARGUMENT, "The file is empty.")
    return file


def _check(name: str, size: int, limit: int) -> None:
    if not _NAME.fullmatch(name):
        raise Refusal(Reason.INVALID_ARGUMENT, "A file's name has 1 to 64 letters, digits, '.', '_' and '-'.")
    if size > limit:
        raise Refusal(Reason.TOO_LARGE, f"The file has {size} bytes; the limit is {limit}.")


def _check_part(number: int, data: bytes, limit: int) -> None:
    if not 0 < len(data) <= MAX_PART or number * MAX_PART + len(data) > max(limit, MAX_PART):
        raise Refusal(Reason.TOO_LARGE, f"A part has 1 to {MAX_PART} bytes, a file at most {limit}.")


def key_of(machine_id: str, file_id: str) -> str:
    """Under which a machine's file is kept. No id has a space: so this one is no door's, and no other machine's."""
    return f"{machine_id} {file_id}"


def whole(tx: Transaction, file: FileInput) -> FileInput:
    """The file, when all of it is here. Raises Refusal: its door was too fast."""
    if files.size(tx, file.file_id) != file.size:
        raise Refusal(Reason.INVALID_ARGUMENT, "The file is not whole here. Put all its parts first.")
    return file
