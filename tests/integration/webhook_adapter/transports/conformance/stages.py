"""The platforms as the conformance suite drives them: what people see there, what they do, and what can go wrong."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind, too_many_requests
from tests.integration.webhook_adapter.courier_process import API_KEY
from tests.rigs.scripted_outbox import ChatLinkStandIn, Parcel
from webhook_adapter.clock import Clock
from webhook_adapter.transports.telegram.outbound.transport import TelegramTransport
from webhook_adapter.transports.transport import Transport
from webhook_adapter.transports.web.platform import WebTransport


class Can(Enum):
    """What not every platform can do, or can be made to do."""

    EDIT = auto()  # change a message
    MARK = auto()
    DELETE = auto()
    TYPE = auto()
    ANSWER = auto()  # show which message another one answers
    TOPICS = auto()
    SILENCE = auto()  # bring a message without a sound
    FILES = auto()  # take the bytes of a file from us
    REFUSE = auto()  # refuse one message
    HURRY = auto()  # say that it comes too soon, and when it may come
    FAIL = auto()  # fail for a moment
    CLOSE = auto()  # take nothing for a chat any more
    MOVE = auto()  # give a chat another id
    STUMBLE = auto()  # make the transport raise
    HANG = auto()
    CUT = auto()  # show the beginning of a text alone
    CALL = auto()  # call us over HTTP; a platform that cannot is asked by the courier


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as a person sees it."""

    message_id: str
    text: str  # with its heading
    buttons: dict[str, str] = field(default_factory=dict)
    files: tuple[bytes, ...] = ()
    answers: str = ""  # the id of the message that it answers
    thread_id: str = ""
    silent: bool = False


class Stage:
    """One platform, empty, with a chat or two."""

    name: str
    transport: type[Transport]
    can: frozenset[Can]
    chat: str
    elsewhere: str  # another chat, where there are several
    router: ChatLinkStandIn | None = None
    clock: Clock | None = None  # that paces its courier; None: the machine's

    def meets(self, router: ChatLinkStandIn) -> None:
        """The router that its courier takes from."""

    @property
    def settings(self) -> dict[str, str]:
        """Of the adapter, that turn the platform on."""
        return {}

    def shown(self) -> list[Shown]:
        """What stands in the chats, oldest first."""
        raise NotImplementedError

    def writes(self, http: FlaskClient, number: int, text: str = "", *, press: str = "", on: str = "") -> int:
        """A person writes, or presses a button of a message; a number again is the same event. The status for it."""
        raise NotImplementedError

    def asks(self) -> str:
        """A person writes to the chat; the id of the message."""
        return "5"

    def marks(self, message_id: str) -> list[str]:
        """What stands under a message as a mark."""
        raise NotImplementedError

    def shown_typing(self) -> list[str]:
        """Chats that were shown that somebody is at work."""
        raise NotImplementedError

    def stranger_writes(self, http: FlaskClient) -> int:
        """Somebody without the secret writes."""
        raise NotImplementedError

    def fails(self, how: Can) -> None:
        """Let the next message meet this."""
        raise NotImplementedError

    def is_met(self) -> None:
        """Wait until a message has met it, where that can be seen."""

    def heals(self) -> None:
        """All is well again."""

    @contextmanager
    def stumbles(self) -> Iterator[dict[str, Any]]:
        """The transport raises over a message with these fields."""
        yield {}

    def close(self) -> None:
        """The platform ends."""


class TelegramStage(Stage):
    name, transport = "telegram", TelegramTransport
    can = frozenset(Can) - {Can.CUT}
    chat, elsewhere, forum, group, supergroup = "4711", "4712", "-1009", "-77", "-1001234567890"

    def __init__(self, _folder: Path) -> None:
        self.telegram = TelegramStandIn().start()
        for chat in (self.chat, self.elsewhere, self.group):
            self.telegram.add_chat(int(chat))
        self.telegram.add_chat(int(self.forum), is_forum=True)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "TELEGRAM_BOT_TOKEN": self.telegram.token,
            "TELEGRAM_API_BASE": self.telegram.base_url,
            "TELEGRAM_WEBHOOK_SECRET": "s3cret",
            "TELEGRAM_WEBHOOK_PATH_SECRET": "p4th",
            "ALLOWED_CHAT_IDS": f"{self.chat},{self.elsewhere}",
        }

    def shown(self) -> list[Shown]:
        sounds = {call.answer["result"]["message_id"]: call for call in self.telegram.calls() if _made(call)}
        return [
            Shown(
                str(message.message_id),
                message.text or message.extra.get("caption", ""),
                message.buttons,
                (message.document,) if message.document else (),
                str(message.reply_to.message_id) if message.reply_to else "",
                str(message.thread_id or ""),
                bool(sounds[message.message_id].params.get("disable_notification")),
            )
            for message in self.telegram.bot_messages()
            if message.message_id in sounds
        ]

    def asks(self) -> str:
        return str(self.telegram.user_writes("go on", chat_id=int(self.chat)).message_id)

    def marks(self, message_id: str) -> list[str]:
        [message] = [each for each in self.telegram.messages() if str(each.message_id) == message_id]
        return [each["emoji"] for each in message.reaction]

    def shown_typing(self) -> list[str]:
        return [str(chat) for chat, action in self.telegram.world.chat_actions if action == "typing"]

    def writes(self, http: FlaskClient, number: int, text: str = "", *, press: str = "", on: str = "") -> int:
        person = {"id": int(self.chat), "is_bot": False, "first_name": "Ada"}
        chat = {"id": int(self.chat)}
        message: dict[str, Any] = {"message_id": 50 + number, "date": 1, "chat": chat, "from": person, "text": text}
        pressed = {"id": "7", "from": person, "message": {"message_id": int(on or 0), "chat": chat}, "data": press}
        update = {"update_id": number} | ({"callback_query": pressed} if press else {"message": message})
        return self._posts(http, update, "s3cret")

    def stranger_writes(self, http: FlaskClient) -> int:
        return self._posts(http, {"update_id": 1}, "guessed")

    def _posts(self, http: FlaskClient, update: dict[str, Any], secret: str) -> int:
        header = {"X-Telegram-Bot-Api-Secret-Token": secret}
        return http.post("/webhook/telegram/p4th", headers=header, json=update).status_code

    def fails(self, how: Can) -> None:
        fault = {
            Can.REFUSE: Fault(FaultKind.REFUSE, 400, "Bad Request: BUTTON_DATA_INVALID"),
            Can.HURRY: too_many_requests(1),
            Can.FAIL: Fault(FaultKind.REFUSE, 500, "Internal Server Error"),
            Can.CLOSE: Fault(FaultKind.REFUSE, 403, "Forbidden: bot was blocked by the user"),
            Can.HANG: Fault(FaultKind.HANG),
        }[how]
        self._fault = self.telegram.fail("sendMessage", fault)

    def is_met(self) -> None:
        self.telegram.wait_for(lambda: self._fault.struck)

    def moves(self) -> tuple[str, str]:
        """A chat gets another id; the old one and the new one."""
        self.telegram.migrate_chat(int(self.group), int(self.supergroup))
        return self.group, self.supergroup

    @contextmanager
    def stumbles(self) -> Iterator[dict[str, Any]]:
        yield {"edit_message_ids": ["no number"]}

    def close(self) -> None:
        self.telegram.stop()


class WebStage(Stage):
    """The page reads the router: what was delivered under its own id is what it shows."""

    name, transport = "web", WebTransport
    can = frozenset({Can.CALL})
    chat = elsewhere = "console"

    def __init__(self, _folder: Path) -> None:
        pass

    def meets(self, router: ChatLinkStandIn) -> None:
        self.router = router

    def shown(self) -> list[Shown]:
        parcels: list[Parcel] = self.router.parcels if self.router else []
        return [_on_page(each) for each in parcels if each.message_ids == [each.id]]

    def writes(self, http: FlaskClient, number: int, text: str = "", *, press: str = "", on: str = "") -> int:
        sent = {"key": f"00000000-{number}", "session": "s1"}
        asked = ("press", {"data": press, "message_id": on}) if press else ("send", {"text": text})
        return http.post(f"/console/api/{asked[0]}", json=sent | asked[1], headers=self._let_in(http)).status_code

    def stranger_writes(self, http: FlaskClient) -> int:
        return http.post("/console/api/send", json={}).status_code

    def _let_in(self, http: FlaskClient) -> dict[str, str]:
        http.post("/console/login", data={"api_key": API_KEY})
        found = re.search(r'name="csrf-token" content="([^"]+)"', http.get("/console/").text)
        return {"X-CSRF-Token": found[1] if found else ""}


class LogbookStage(Stage):
    """The example."""

    name = "logbook"
    can = frozenset({Can.FILES, Can.CLOSE, Can.STUMBLE, Can.HANG, Can.CALL})
    chat = elsewhere = "all"

    def __init__(self, folder: Path) -> None:
        from examples.logbook import Logbook

        self.transport = Logbook
        self._folder = folder / "book"
        self._folder.mkdir()
        self._book = self._folder / "logbook"

    @property
    def settings(self) -> dict[str, str]:
        return {"LOGBOOK": str(self._book), "LOGBOOK_SECRET": "open-sesame"}

    def shown(self) -> list[Shown]:
        lines = map(json.loads, self._book.read_text().splitlines() if self._book.is_file() else ())
        return [
            Shown(number, f"{heading}\n{text}".strip(), buttons, tuple(each.encode() for each in files.values()))
            for number, heading, text, buttons, files in lines
        ]

    def writes(self, http: FlaskClient, number: int, text: str = "", *, press: str = "", on: str = "") -> int:
        sent = {"id": f"my-{number}"} | ({"press": press, "message": on} if press else {"text": text})
        return http.post("/logbook", data=sent, headers={"X-Secret": "open-sesame"}).status_code

    def stranger_writes(self, http: FlaskClient) -> int:
        return http.post("/logbook", data={"id": "1", "text": "hello"}, headers={"X-Secret": "guessed"}).status_code

    def fails(self, how: Can) -> None:
        if how is Can.CLOSE:
            self._folder.rmdir()
        else:
            os.mkfifo(self._book)  # who writes into it waits for somebody who reads

    def heals(self) -> None:
        os.close(os.open(self._book, os.O_RDONLY | os.O_NONBLOCK))
        self._book.unlink()

    @contextmanager
    def stumbles(self) -> Iterator[dict[str, Any]]:
        self._book.mkdir()
        yield {}
        self._book.rmdir()


def _made(call: Any) -> bool:
    return call.method.startswith("send") and isinstance(call.answer.get("result"), dict)


def _on_page(parcel: Parcel) -> Shown:
    told = parcel.delivery.notification
    heading = " · ".join(filter(None, (parcel.delivery.machine_id, parcel.delivery.session_label)))
    buttons = {each.label: f"cmd:{told.token}:{each.action}" for each in told.buttons}
    return Shown(parcel.id, f"{heading}\n{told.text}".strip(), buttons)
