"""Files that programs send to people: copied here with the notice, uploaded, and gone once the router has both.

What is on this disk before `notify` returns is what people get, whatever becomes of the program's own file.
"""

import asyncio
import logging
import os
import re
import stat
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from agent.domain.command import MAX_TEXT_BYTES, Reason
from agent.domain.errors import Refusal, RouterFull, RouterUnreachable, StoreUnavailable
from agent.domain.frames import NotificationFile, Notify
from agent.link.identity import write_durably
from agent.store.outbox import Held, Outbox

logger = logging.getLogger(__name__)

MAX_FILES = 10  # of one notice
MAX_FILE = 50_000_000  # bytes: what Telegram takes from bots
AT_ONCE = MAX_FILE  # bytes that the files of one message have: a router keeps no more than one of the largest unnamed
PART = 512 * 1024  # bytes
RETRY = 1.0  # seconds between tries
PAUSE = 60.0  # seconds until a router is asked again that has as much of us as it takes
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Router(Protocol):
    """What takes the files. Each raises Refusal for good, RouterUnreachable for now."""

    async def put(self, file_id: str, number: int, data: bytes) -> int:
        """Keep a part, if it has bytes; the number of the first part that is not there."""

    async def notify(self, notification: Notify) -> None:
        """Take a notice whose files are there; Refusal(FILE_GONE) where they are not."""


class Uploads:
    """The copies, and the loop that brings them to the router."""

    def __init__(
        self, folder: Path, outbox: Outbox, router: Router, retry: float = RETRY, pause: float = PAUSE
    ) -> None:
        self._folder = folder
        self._outbox = outbox
        self._router = router
        self._retry, self._pause = retry, pause
        self._said = ""  # why it waits, as the log was told
        self._taking: set[str] = set()  # ids of copies whose notice is not stored yet

    async def notify(self, notification: Notify, paths: Sequence[str]) -> None:
        """Store a notice with copies of these files. Raises Refusal or StoreUnavailable, having kept nothing."""
        if len(paths) > MAX_FILES:
            raise Refusal(Reason.TOO_LARGE, f"A notification has up to {MAX_FILES} files; send the rest in another.")
        ids = [str(uuid.uuid4()) for _ in paths]
        self._taking.update(ids)  # before the first file: the tidying must not take it for left
        try:
            copying = zip(ids, paths, strict=True)
            files = tuple([await asyncio.to_thread(self._copy, file_id, path) for file_id, path in copying])
            await self._outbox.append_all(_portions(notification, files))
        except Exception:  # but a cancelled one may be stored all the same: of that the next start tidies up
            self._forget(ids)
            raise
        finally:
            self._taking.difference_update(ids)

    async def run(self) -> None:
        """Upload what is held, the oldest first, for ever."""
        await self._tidy()
        news = self._outbox.held_news
        while True:
            if self._outbox.turned_away:
                self._outbox.turned_away = False
                await asyncio.sleep(self._pause)
            news.clear()
            patience = self._retry if await self._is_left() else None
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), patience)

    async def _is_left(self) -> bool:
        """Bring what can be brought now; whether something is left for later."""
        try:
            while (held := await self._outbox.held()) and held.is_next:
                await self._bring(held)
                self._said = ""
        except (RouterUnreachable, StoreUnavailable) as error:
            if error.text != self._said:
                self._said = error.text
                logger.info("upload waits: %s", error.text)
            self._outbox.turned_away |= isinstance(error, RouterFull)
            return True
        return held is not None

    async def _bring(self, held: Held) -> None:
        notification = held.notification
        try:
            for file in notification.files:
                await self._put(file)
            if notification.files:
                await self._router.notify(notification)
        except Refusal as refusal:
            if refusal.reason is Reason.FILE_GONE:  # what the router had grew too old meanwhile: it is put again
                raise RouterUnreachable(refusal.text) from None
            logger.warning("files refused notification=%s: %s", notification.notification_id, refusal.text)
            names = ", ".join(file.name for file in notification.files)
            text = f"📎 {names}: not sent. {refusal.text}\n\n{notification.text}"
            fits = text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore")
            await self._outbox.release(held, replace(notification, text=fits, files=()))
        else:
            await self._outbox.release(held, None if notification.files else notification)
        self._forget(file.file_id for file in notification.files)

    async def _put(self, file: NotificationFile) -> None:
        number = await self._router.put(file.file_id, 0, b"")  # it may have a part since the last try
        while part := await asyncio.to_thread(self._part, file, number):
            number = await self._router.put(file.file_id, number, part)

    def _part(self, file: NotificationFile, number: int) -> bytes:
        try:
            with (self._folder / file.file_id).open("rb") as copy:
                if os.fstat(copy.fileno()).st_size == file.size:
                    copy.seek(number * PART)
                    return copy.read(PART)
        except OSError as error:
            logger.warning("copy not readable file=%s: %s", file.file_id, error.strerror)
        raise Refusal(Reason.INVALID_ARGUMENT, "Its copy on the machine is damaged; send it again.")

    def _copy(self, file_id: str, path: str) -> NotificationFile:
        content = _content(path)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_durably(self._folder / file_id, content)
        except OSError as error:
            text = f"{path} cannot be kept until it is sent ({error.strerror}). Make room in {self._folder}."
            raise Refusal(Reason.STORAGE_UNAVAILABLE, text) from None
        return NotificationFile(file_id, _safe_name(path), len(content))

    def _forget(self, ids: Iterable[str]) -> None:
        for file_id in ids:
            for path in (self._folder / file_id, self._folder / f"{file_id}.new"):
                with suppress(OSError):  # mostly it is not there; what stays behind, the next start tidies up
                    path.unlink()

    async def _tidy(self) -> None:
        """Remove copies whose notice was never stored, or was told before a crash."""
        with suppress(OSError, StoreUnavailable):
            names = await asyncio.to_thread(lambda: [path.name for path in self._folder.iterdir()])
            taking = frozenset(self._taking)  # before the next line: what is in neither is nobody's
            ours = await self._outbox.held_files() | taking
            self._forget(name for name in names if name.removesuffix(".new") not in ours)


def _portions(notification: Notify, files: Sequence[NotificationFile]) -> list[Notify]:
    """The message with its files; with more than go at once, several, of which the first has the words."""
    portions: list[list[NotificationFile]] = [[]]
    for file in files:
        if portions[-1] and sum(each.size for each in portions[-1]) + file.size > AT_ONCE:
            portions.append([])
        portions[-1].append(file)
    names = [", ".join(file.name for file in portion) for portion in portions]
    first = replace(notification, text=notification.text or names[0], files=tuple(portions[0]))
    more = zip(names[1:], portions[1:], strict=True)
    return [first, *(_another(notification, number, *each) for number, each in enumerate(more, 1))]


def _another(first: Notify, number: int, text: str, files: Sequence[NotificationFile]) -> Notify:
    # Made of the first one's: the same message again has the same ones.
    name = f"{first.notification_id}/files/{number}"
    return replace(
        first, notification_id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)), text=text, buttons=(), files=tuple(files)
    )


def _content(path: str) -> bytes:
    """All of a plain file. Raises Refusal, saying what to do."""
    if not os.path.isabs(path):  # noqa: PTH117 -- a path need not be text
        raise Refusal(Reason.INVALID_ARGUMENT, f"{path} is no absolute path; the agent works in another folder.")
    try:
        # A pipe would keep us waiting for its writer.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Refusal(Reason.INVALID_ARGUMENT, f"{path} is no plain file; only those can be sent.")
            content = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise Refusal(Reason.INVALID_ARGUMENT, f"{path} cannot be read: {why}.") from None
    if not content:
        raise Refusal(Reason.INVALID_ARGUMENT, f"{path} is empty; chats take no empty files.")
    if len(content) > MAX_FILE:
        text = f"{path} has more than the 50 MB that chats take. Compress it, split it, or send where it is."
        raise Refusal(Reason.TOO_LARGE, text)
    return content


def _safe_name(path: str) -> str:
    return _UNSAFE.sub("_", os.path.basename(path)).lstrip(".")[-64:].lstrip(".") or "file"  # noqa: PTH119
