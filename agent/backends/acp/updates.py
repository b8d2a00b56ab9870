"""What a program that speaks ACP tells of a turn: its words, tools and plans, as what a session does. Pure."""

import json
from collections.abc import Iterator, Mapping

from agent.backends.acp.shapes import MOST_OF_A_TEXT, Json, number, part, parts, text
from agent.backends.acp.table import LastWords
from agent.domain.line_diff import unified
from agent.domain.session_event import (
    MAX_COMMANDS,
    Described,
    Planned,
    Said,
    Speaker,
    ToolKind,
    ToolUsed,
    Used,
    What,
    WorkState,
)

MAX_TOOLS = 500  # of one turn that are remembered
MAX_WORD = 200  # characters of names
MOST_COST = 1e9  # US dollars: beyond it is no number of theirs

_KINDS = {
    "read": ToolKind.READ, "edit": ToolKind.EDIT, "delete": ToolKind.EDIT, "move": ToolKind.EDIT,
    "search": ToolKind.SEARCH, "execute": ToolKind.RUN, "fetch": ToolKind.FETCH,
}  # fmt: skip
_STATES = {
    "pending": WorkState.PENDING, "in_progress": WorkState.RUNNING, "completed": WorkState.DONE,
    "failed": WorkState.FAILED,
}  # fmt: skip
_SAYS_NOTHING = frozenset(
    {"available_commands_update", "usage_update", "session_info_update", "config_option_update", "current_mode_update"}
)


def is_receipt(update: Json) -> bool:
    """Whether this says that it has the text that it was given: v1 has no other word for it."""
    kind = text(update, "sessionUpdate", MAX_WORD)
    if kind == "session_info_update":
        return thread_status(update) == "active"
    return kind not in _SAYS_NOTHING


def thread_status(update: Json) -> str:
    """Codex says here what it does, long before it says anything else, and that something broke."""
    return text(part(part(part(update, "_meta"), "codex"), "threadStatus"), "type", MAX_WORD)


class Turn:
    """What one turn said so far."""

    def __init__(self, by: LastWords) -> None:
        self._by = by
        self._message, self._words = "", ""  # the words that are being said
        self._last, self._behind = "", ""  # the last message that has an id, and what has none since
        self.tools: dict[str, Json] = {}
        self.broke = False
        self.pauses = 0  # in what it says

    def hear(self, update: Json) -> Iterator[What]:
        """What an update tells."""
        match update.get("sessionUpdate"):
            case "agent_message_chunk":
                yield from self._said(text(update, "messageId", MAX_WORD), text(part(update, "content"), "text"))
                return
            case "user_message_chunk":
                return  # it repeats what it was given
            case "tool_call" | "tool_call_update":
                yield from self.step()
                yield from self.tool(update)
            case "plan":
                yield from self.step()
                yield from _plan(update)
            case "notice" | "compaction_update" as kind:
                yield from self._pause()
                words = text(update, "message") or text(part(update, "content"), "text") or kind.replace("_", " ")
                yield Said(Speaker.SYSTEM, words)
            case "agent_thought_chunk":
                yield from self._pause()
        self.broke = self.broke or thread_status(update) == "systemError"
        yield from described(update)

    def step(self) -> Iterator[What]:
        """Something other than words came: what is said behind it is said anew."""
        yield from self._pause()
        if self._by is LastWords.BEHIND_TOOLS:
            self._behind = ""

    def merged(self, call: Json) -> Json:
        """All that is known of a tool: some name it in a question, and say what it does before."""
        return _merged(self.tools.get(text(call, "toolCallId", MAX_WORD), {}), call)

    def end(self, result: Json, model: str) -> Iterator[What]:
        """The turn is over, with this answer."""
        yield from self._pause()
        if used := _used(result, model):
            yield used

    @property
    def last_words(self) -> str:
        """The answer of the turn, once it is over. What has no id behind it is why it broke."""
        if self._by is LastWords.MESSAGE and self._last:
            return "\n\n".join(filter(None, (self._last.strip(), self._behind.strip())))
        return self._behind.strip()

    @property
    def saying(self) -> str:
        """What it has said so far of the words that it is saying."""
        return self._words

    def _said(self, message: str, words: str) -> Iterator[What]:
        if message != self._message:
            yield from self._pause()
            self._message = message
            if message and self._by is LastWords.MESSAGE:
                self._last = self._behind = ""
        self._words = (self._words + words)[-MOST_OF_A_TEXT:]
        if message and self._by is LastWords.MESSAGE:
            self._last = (self._last + words)[-MOST_OF_A_TEXT:]
        else:
            self._behind = (self._behind + words)[-MOST_OF_A_TEXT:]

    def _pause(self) -> Iterator[What]:
        words, self._words = self._words.strip(), ""
        self.pauses += 1
        if words:
            yield Said(Speaker.ASSISTANT, words)

    def tool(self, update: Json) -> Iterator[What]:
        """A tool in use, where that is news."""
        name = text(update, "toolCallId", MAX_WORD)
        before = self.tools.get(name)
        if not name or (before is None and len(self.tools) >= MAX_TOOLS):
            return
        now = self.tools[name] = self.merged(update)
        told = used(now)
        if before is None or told != used(before):
            yield told


def used(call: Json) -> ToolUsed:
    """A tool in use."""
    given = part(call, "rawInput")
    return ToolUsed(
        text(call, "toolCallId", MAX_WORD),
        _STATES.get(text(call, "status", MAX_WORD), WorkState.PENDING),
        text(call, "name", MAX_WORD) or text(call, "kind", MAX_WORD),
        _KINDS.get(text(call, "kind", MAX_WORD), ToolKind.OTHER),
        text(call, "title").split("\n")[0],
        json.dumps(given, ensure_ascii=False).encode(errors="replace").decode()[:MOST_OF_A_TEXT] if given else "",
        shown(call),
        diffs(call),
    )


def shown(call: Json) -> str:
    """What a tool shows beside what it changes: its output."""
    texts = [text(part(one, "content"), "text") for one in parts(call, "content") if one.get("type") == "content"]
    output = text(part(call, "rawOutput"), "output") or text(call, "rawOutput")
    return "\n".join(filter(None, texts)) or output


def diffs(call: Json) -> str:
    """What a tool changes in files, as unified diffs."""
    changed = (_diff(one) for one in parts(call, "content") if one.get("type") == "diff")
    return "\n".join(filter(None, changed))[:MOST_OF_A_TEXT]


def _diff(change: Json) -> str:
    before = text(change, "oldText") if change.get("oldText") is not None else None  # a file that is new has none
    return unified(text(change, "path"), before, text(change, "newText"))


def described(update: Json) -> Iterator[What]:
    """What has changed about the session."""
    what: Described | Used = Described()
    match update.get("sessionUpdate"):
        case "available_commands_update":
            named = (text(one, "name", MAX_WORD) for one in parts(update, "availableCommands")[:MAX_COMMANDS])
            what = Described(commands=tuple(filter(None, named)))
        case "usage_update" if number(update, "used") or number(update, "size"):
            what = _figures(update)
        case "session_info_update":
            what = Described(title=text(update, "title", MAX_WORD))
        case "current_mode_update":
            what = Described(mode=text(update, "currentModeId", MAX_WORD))
        case "config_option_update":
            what = _options(update)
    if what != Described():
        yield what


def opened(result: Json) -> Described:
    """What the answer to a new session, or to one that is taken up, says of it."""
    options = _options(result)
    mode = text(part(result, "modes"), "currentModeId", MAX_WORD) or options.mode
    model = text(part(result, "models"), "currentModelId", MAX_WORD) or options.model
    return Described(model=model, mode=mode)


def ending(title: str, words: str, result: Json, error: str) -> str:
    """What people are told at the end of a turn with these last words."""
    if error:
        return f"{words}\n\n{title} stopped: {error}".strip()
    match text(result, "stopReason", MAX_WORD):
        case "end_turn" | "":
            return words
        case "cancelled":
            return words or f"{title} ended its turn with that. Write to go on."
        case "refusal":
            why = f"{title} refuses to go on with this."
        case "max_tokens" | "max_turn_requests" as reason:
            why = f"{title} stopped at its limit ({reason}). Write to go on."
        case reason:
            why = f"{title} stopped: {reason}"
    return f"{words}\n\n{why}".strip()


def _figures(update: Json) -> Used:
    """How full its context is, and what the conversation has cost, where that is said in dollars."""
    cost = part(update, "cost")
    amount = cost.get("amount") if cost.get("currency") == "USD" else None
    if not isinstance(amount, int | float) or isinstance(amount, bool) or not 0 <= amount < MOST_COST:
        amount = 0.0
    return Used("", context=number(update, "used"), context_size=number(update, "size"), cost=float(amount))


def _options(fields: Json) -> Described:
    values = {one.get("category"): text(one, "currentValue", MAX_WORD) for one in parts(fields, "configOptions")}
    return Described(model=values.get("model", ""), mode=values.get("mode", ""))


def _merged(before: Json, now: Json) -> Json:
    """The newer counts; what it leaves out, or says nothing with, is as it was."""
    return {**before, **{name: value for name, value in now.items() if value not in (None, "", [], {})}}


def _plan(update: Json) -> Iterator[What]:
    entries = tuple(
        (text(one, "content"), _STATES.get(text(one, "status", MAX_WORD), WorkState.PENDING))
        for one in parts(update, "entries")
    )
    if entries:
        yield Planned(entries)


def _used(result: Json, model: str) -> Used | None:
    usage, quota = part(result, "usage"), part(part(result, "_meta"), "quota")
    models = parts(quota, "model_usage")
    model = (text(models[0], "model", MAX_WORD) if models else "") or model
    if usage:
        names = ("inputTokens", "outputTokens", "cachedReadTokens", "cachedWriteTokens")
        return Used(model, *(number(usage, name) for name in names))
    count: Mapping[str, object] = part(quota, "token_count")
    return Used(model, number(count, "input_tokens"), number(count, "output_tokens"), 0, 0) if count else None
