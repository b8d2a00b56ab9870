"""One call of the Bot API from its name and parameters to the envelope, with faults, limits and the record."""

from dataclasses import dataclass
from typing import Any

from tests.fakes.telegram_faults import NO_RESULT, Fault, FaultKind, FaultScript, TelegramLimits
from tests.fakes.telegram_methods import METHODS, NOT_IN_ANSWERS, Polls
from tests.fakes.telegram_state import BotError, Call, Json, World

# In the strictest reading: whether the last ones count, Telegram does not say.
LIMITED = (
    "sendmessage",
    "senddocument",
    "sendphoto",
    "editmessagetext",
    "editmessagecaption",
    "editmessagereplymarkup",
    "setmessagereaction",
    "deletemessage",
    "sendchataction",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status and a body, or a broken connection (status 0)."""

    status: int
    body: Json
    page: bytes = b""  # instead of the JSON


class BotApi:
    """Answers calls of one bot."""

    def __init__(self, world: World, faults: FaultScript, limits: TelegramLimits) -> None:
        self._world = world
        self._faults = faults
        self._limits = limits
        self.polls = Polls(world)

    def call(self, method: str, params: Json) -> Answer:
        """Answer a call and record it."""
        fault = self._faults.strike(method, params)
        with self._world.changed:
            self._world.changed.notify_all()
        answer = self._answer(method, params, fault)
        shown = {name: value[0] if isinstance(value, tuple) else value for name, value in params.items()}
        self._world.record(Call(self._world.clock.now(), method, shown, answer.status, answer.body))
        return answer

    def call_from_answer(self, body: Json) -> None:
        """Carry out a method that stood in a webhook's answer; its result is thrown away."""
        method = str(body.get("method", ""))
        if method.lower().startswith("get") or method.lower() in NOT_IN_ANSWERS:
            return
        params = {name: value for name, value in body.items() if name != "method"}
        answer = self._run(method, params)
        self._world.record(Call(self._world.clock.now(), method, params, answer.status, answer.body, "webhook answer"))

    def _answer(self, method: str, params: Json, fault: Fault | None) -> Answer:
        match fault:
            case None:
                return self._run(method, params)
            case Fault(kind=FaultKind.REFUSE):
                self._limits.hold(_number(params.get("chat_id")), float((fault.parameters or {}).get("retry_after", 0)))
                return _refused(fault.refusal())
            case Fault(kind=FaultKind.HTML_PAGE):
                return Answer(502, {}, b"<html><body><h1>502 Bad Gateway</h1></body></html>")
            case Fault(kind=FaultKind.RESET_BEFORE):
                return Answer(0, {})
            case Fault(kind=FaultKind.HANG):
                self._world.wait_until(lambda: False, fault.seconds)
                return Answer(0, {})
            case Fault(kind=FaultKind.SLOW):
                self._world.wait_until(fault.let_go.is_set, fault.seconds)
                return self._run(method, params)
            case Fault(kind=FaultKind.ANSWER):
                done = Answer(200, {}) if method.lower() == "getupdates" else self._run(method, params)
                said = {} if fault.result is NO_RESULT else {"result": fault.result}
                return Answer(200, {"ok": True} | said) if done.status == 200 else done
            case Fault(kind=FaultKind.MALFORMED):
                return Answer(200, self._run(method, params).body, b'{"ok":true,"result":{"mess')
            case _:
                return Answer(0, self._run(method, params).body)

    def _run(self, method: str, params: Json) -> Answer:
        try:
            result = self._result(method.lower(), params)
        except BotError as refusal:
            return _refused(refusal)
        if isinstance(result, tuple):
            return Answer(200, {"ok": True, "result": result[0], "description": result[1]})
        return Answer(200, {"ok": True, "result": result})

    def _result(self, method: str, params: Json) -> Any:
        if method == "getupdates":
            return self.polls.get_updates(params)
        handler = METHODS.get(method)
        if handler is None:
            raise BotError(404, "Not Found: method not found")
        with self._world.changed:
            chat = self._world.chats.get(_number(params.get("chat_id")))
            if method in LIMITED and chat is not None:
                self._limits.check(chat)
            result = handler(self._world, params)
            self._world.changed.notify_all()
            return result


def _number(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        return 0


def _refused(refusal: BotError) -> Answer:
    body: Json = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    return Answer(refusal.code, body | ({"parameters": refusal.parameters} if refusal.parameters else {}))
