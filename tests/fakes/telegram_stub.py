"""The stand-in's door for tests of whole systems and for people with curl: everything under /_stub/."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.fakes.telegram_faults import Fault, FaultKind, WebhookFault
from tests.fakes.telegram_state import Call, Json, Message

if TYPE_CHECKING:
    from tests.fakes.telegram import TelegramStandIn

LONGEST_WAIT_S = 60.0


class StubDoor:
    """Maps a path to what the stand-in can do.

    POST say {chat_id?, text, reply_to?, user_id?, thread_id?} | press {chat_id, message_id, label, user_id?, data?}
         chats {chat_id, kind?, title?} | fail {method, kind, times?, …} | fail_webhook {kind} |
         advance {seconds} | reset
    GET  messages?chat_id=&from_bot=1&contains=&wait= | calls?method=&count=&wait= | presses | updates | deliveries
    """

    def __init__(self, stand_in: "TelegramStandIn") -> None:
        self._stand_in = stand_in
        self._doors: dict[tuple[str, str], Callable[[Json], Any]] = {
            ("POST", "say"): self._say,
            ("POST", "press"): self._press,
            ("POST", "chats"): self._add_chat,
            ("POST", "fail"): self._fail,
            ("POST", "fail_webhook"): self._fail_webhook,
            ("POST", "advance"): self._advance,
            ("POST", "reset"): self._reset,
            ("GET", "messages"): self._messages,
            ("GET", "calls"): self._calls,
            ("GET", "presses"): self._presses,
            ("GET", "updates"): lambda _: [update.json for update in self._stand_in.pending_updates],
            ("GET", "deliveries"): self._deliveries,
        }

    def __call__(self, verb: str, path: str, params: Json) -> tuple[int, Any]:
        door = self._doors.get((verb, path.strip("/")))
        if door is None:
            return 404, {"error": "no such door", "doors": [f"{verb} /_stub/{name}" for verb, name in self._doors]}
        try:
            return 200, door(params)
        except (KeyError, LookupError, TypeError, ValueError, StopIteration) as wrong:
            return 400, {"error": f"{type(wrong).__name__}: {wrong}"}

    def _say(self, params: Json) -> Json:
        optional = {
            name: int(params[name]) for name in ("chat_id", "user_id", "reply_to", "thread_id") if params.get(name)
        }
        return self._stand_in.user_writes(str(params["text"]), **optional, extra=params.get("extra")).json()

    def _press(self, params: Json) -> Json:
        message = self._stand_in.world.messages[int(params["chat_id"]), int(params["message_id"])]
        user_id = int(params["user_id"]) if params.get("user_id") else None
        pressed = self._stand_in.press(message, str(params.get("label", "")), user_id=user_id, data=params.get("data"))
        return {"id": pressed.id, "data": pressed.data}

    def _add_chat(self, params: Json) -> Json:
        optional = {name: str(params[name]) for name in ("kind", "title") if params.get(name)}
        return self._stand_in.add_chat(int(params["chat_id"]), **optional).json()  # type: ignore[arg-type]

    def _fail(self, params: Json) -> Json:
        given = {name: params[name] for name in ("code", "description", "parameters", "seconds") if name in params}
        chat_id = int(params["chat_id"]) if params.get("chat_id") else None
        fault = Fault(FaultKind(params["kind"]), **given)
        self._stand_in.fail(str(params.get("method", "")), fault, chat_id=chat_id, times=int(params.get("times", 1)))
        return {"ok": True}

    def _fail_webhook(self, params: Json) -> Json:
        self._stand_in.fail_webhook(WebhookFault(params["kind"]), int(params.get("times", 1)))
        return {"ok": True}

    def _advance(self, params: Json) -> Json:
        self._stand_in.advance(float(params["seconds"]))
        return {"ok": True}

    def _reset(self, _params: Json) -> Json:
        self._stand_in.reset()
        return {"ok": True}

    def _messages(self, params: Json) -> list[Json]:
        """Waits up to `wait` seconds for one that matches."""
        chat_id = int(params["chat_id"]) if params.get("chat_id") else None
        found = self._waited(params, lambda: [m for m in self._stand_in.messages(chat_id) if _matches(m, params)])
        return [_message_json(message) for message in found]

    def _calls(self, params: Json) -> list[Json]:
        count = int(params.get("count", 1))
        method = str(params.get("method", ""))
        self._waited(params, lambda: len(self._stand_in.calls(method)) >= count)
        return [_call_json(call) for call in self._stand_in.calls(method)]

    def _presses(self, _params: Json) -> list[Json]:
        presses = self._stand_in.world.presses.values()
        return [{"id": p.id, "data": p.data, "answer": p.answer, "answered_after": p.answered_after} for p in presses]

    def _deliveries(self, _params: Json) -> list[Json]:
        return [{"update_id": d.update_id, "status": d.status, "at": d.at} for d in self._stand_in.deliveries]

    def _waited(self, params: Json, look: Callable[[], Any]) -> Any:
        world = self._stand_in.world
        world.wait_until(look, min(float(params.get("wait", 0)), LONGEST_WAIT_S))
        with world.changed:
            return look()


def _matches(message: Message, params: Json) -> bool:
    mine = not params.get("from_bot") or message.from_bot
    return mine and str(params.get("contains", "")) in message.text


def _message_json(message: Message) -> Json:
    return message.json() | {"from_bot": message.from_bot, "edits": message.edits, "buttons": message.buttons}


def _call_json(call: Call) -> Json:
    return {
        "at": call.at,
        "method": call.method,
        "params": call.params,
        "status": call.status,
        "answer": call.answer,
        "via": call.via,
    }
