"""Version 2 of ACP, told in the words of version 1: above here there is one protocol. Pure.

It is a draft, so it is spoken only where a person wants that. What is said of it here is as in the schema of npm's
@agentclientprotocol/sdk 2.4.0 and as Codex's adapter speaks it. Its gains: the answer to a prompt is the receipt, and
the end of a turn is a state. A program that answers with version 1 is spoken to in that from then on.
"""

from collections.abc import Iterator

from agent.backends.acp.json_rpc import Answers, Asks, Json, Message, Tells, words_of
from agent.backends.acp.shapes import number, part, parts, text

VERSION = 2
MOST_MESSAGES = 500  # of a turn whose pieces are remembered
_UPDATE = "session/update"
_RESUMES: Json = {"sessionCapabilities": {"resume": {}}}  # what every program of this version can do
_STATUS = {"paused": "in_progress", "cancelled": "failed"}


class V2:
    """Between a program and whoever speaks version 1 with it. One prompt at a time."""

    def __init__(self) -> None:
        self._on = True
        self._greeting: int | None = None
        self._opening: int | None = None  # a request whose answer has the options
        self._mode = "mode"  # the option that is its mode
        self._prompt: int | None = None
        self._session = ""
        self._taken = False
        self._pieces: set[str] = set()  # messages of which pieces came

    def said(self, name: int | None, method: str, params: Json) -> tuple[str, Json]:
        """What we say, a request or, without a name, a notification, as version 2 wants it."""
        if not self._on:
            return method, params
        match method:
            case "initialize":
                self._greeting = name
                about = {"info": part(params, "clientInfo"), "capabilities": {}}
                return method, {"protocolVersion": VERSION, **about}
            case "session/new" | "session/resume":
                self._opening = name
            case "session/prompt":
                self._prompt, self._session, self._taken = name, text(params, "sessionId"), False
            case "session/set_mode":
                named = {"configId": self._mode, "type": "id", "value": params.get("modeId")}
                return "session/set_config_option", {"sessionId": params.get("sessionId"), **named}
            case "session/set_config_option":
                return method, {**params, "type": "id"}
        return method, params

    def heard(self, message: Message) -> Iterator[Message]:
        """What it says, as version 1 would; perhaps nothing, or more than one thing."""
        if not self._on:
            yield message
            return
        match message:
            case Answers() if not message.error:
                yield from self._answered(message)
            case Tells(method="session/update", params=params):
                yield from self._updated(params, part(params, "update"))
            case Asks(method="session/request_permission", params=params):
                yield Asks(message.name, message.method, _permission(params))
            case _:
                if isinstance(message, Answers) and message.name == self._prompt:
                    self._prompt = None  # it does not take the text
                yield message

    def _answered(self, answer: Answers) -> Iterator[Message]:
        if answer.name == self._greeting:
            self._on = number(answer.result, "protocolVersion") == VERSION
            able = {**answer.result, "protocolVersion": 1, "agentCapabilities": _RESUMES}
            yield Answers(answer.name, able) if self._on else answer
        elif answer.name == self._opening:
            options = [_option(one) for one in parts(answer.result, "configOptions")]
            self._mode = next((text(one, "id") for one in options if one.get("category") == "mode"), self._mode)
            yield Answers(answer.name, {**answer.result, "configOptions": options})
        elif answer.name == self._prompt:  # it has the text: the end of the turn is told by its state
            self._taken = True
            yield self._tell({"sessionUpdate": "user_message_chunk"})
        else:
            yield answer

    def _updated(self, params: Json, update: Json) -> Iterator[Message]:
        match update.get("sessionUpdate"):
            case "state_update":
                yield from self._became(update)
            case "agent_message_chunk":
                if len(self._pieces) < MOST_MESSAGES:
                    self._pieces.add(text(update, "messageId", 200))
                yield Tells(_UPDATE, params)
            case "agent_message":  # the whole: it may follow its pieces
                if (name := text(update, "messageId", 200)) not in self._pieces and (words := _words(update)):
                    said = {"messageId": name, "content": {"type": "text", "text": words}}
                    yield _again(params, {"sessionUpdate": "agent_message_chunk", **said})
            case "tool_call_update":
                yield _again(params, {**update, **_tool(update)})
            case "plan_update":
                entries = part(update, "plan").get("entries")
                yield _again(params, {"sessionUpdate": "plan", "entries": entries})
            case "config_option_update":
                options = [_option(one) for one in parts(update, "configOptions")]
                yield _again(params, {**update, "configOptions": options})
            case "notice":
                words = "\n".join(filter(None, (text(update, "title"), text(update, "description"))))
                yield _again(params, {**update, "message": words})
            case _:
                yield Tells(_UPDATE, params)

    def _became(self, update: Json) -> Iterator[Message]:
        """The end of the turn is the answer to its prompt; before its receipt it is the end of another."""
        reason, prompt = text(update, "stopReason", 200), self._prompt
        if update.get("state") != "idle" or not reason or prompt is None or not self._taken:
            return
        self._prompt = None
        self._pieces.clear()
        if reason == "error":
            error = part(update, "error")
            code = error.get("code")
            yield Answers(prompt, {}, words_of(error), code if isinstance(code, int) else 0)
        else:
            yield Answers(prompt, {"stopReason": reason, "usage": part(update, "usage")})

    def _tell(self, update: Json) -> Tells:
        return Tells(_UPDATE, {"sessionId": self._session, "update": update})


def _again(params: Json, update: Json) -> Tells:
    return Tells(_UPDATE, {**params, "update": update})


def _option(option: Json) -> Json:
    return {**option, "id": option.get("configId")}


def _words(update: Json) -> str:
    return "".join(text(one, "text") for one in parts(update, "content"))


def _permission(params: Json) -> Json:
    """All that is decided about stands in the tool, where version 1 has it: what is not shown is not allowed."""
    subject, why, call = part(params, "subject"), text(params, "description"), dict[str, object]()
    match subject.get("type"):
        case "tool_call":
            call |= {**part(subject, "toolCall"), **_tool(part(subject, "toolCall"))}
        case "command":
            given = {"command": subject.get("command"), "cwd": subject.get("cwd")}
            call |= {"toolCallId": subject.get("toolCallId"), "kind": "execute", "rawInput": given}
        case _ if subject:
            call["rawInput"] = subject
    content = [*parts(call, "content"), *([_content(why)] if why else [])]
    title = text(call, "title")
    if (asked := text(params, "title")) and asked != title:
        call["title"] = f"{asked}\n{title}" if title else asked
    return {**params, "toolCall": {**call, "content": content} if content else call}


def _tool(call: Json) -> Json:
    """What of a tool version 1 has otherwise."""
    changed: dict[str, object] = {}
    if isinstance(call.get("content"), list):
        changed["content"] = [_patch(one) if one.get("type") == "diff" else one for one in parts(call, "content")]
    if (status := text(call, "status", 200)) in _STATUS:
        changed["status"] = _STATUS[status]
    return changed


def _patch(diff: Json) -> Json:
    """Changes of files have no text of before and after here, but a patch, or nothing but their names."""
    keys = ("operation", "oldPath", "path")
    named = [" ".join(filter(None, (text(one, key) for key in keys))) for one in parts(diff, "changes")]
    words = "\n".join(filter(None, [*named, text(part(diff, "patch"), "text")]))
    return _content(words) if words else diff


def _content(words: str) -> Json:
    return {"type": "content", "content": {"type": "text", "text": words}}
