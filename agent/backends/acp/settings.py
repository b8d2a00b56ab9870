"""How one conversation works: the modes and models that it offers, and which of them it is set to.

Modes have our names in here and above; each program has its own for them. Some take any word for a mode of theirs, or
for a model, so both are compared with what was offered.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from agent.backends.acp import updates
from agent.backends.acp.process import Refused
from agent.backends.acp.shapes import Json, part, parts, text
from agent.backends.acp.start import Call
from agent.backends.acp.table import Kind
from agent.domain.session_event import Described, What

MOST_OFFERED = 200
MOST_TOLD = 12  # models of which a refusal tells
_ECHO = "[MODE_UPDATE]"  # one of them says so in words


class Settings:
    """`mode` was chosen from afar, by our name, and `model` by its own; empty where nobody chose. `works` hears."""

    def __init__(
        self, kind: Kind, call: Call, works: Callable[[str, str], Awaitable[None]], mode: str, model: str
    ) -> None:
        self.model = ""
        self._kind = kind
        self._call = call
        self._works = works
        self._wanted = mode, model
        self._names = {own: name for name, own in kind.modes.items()}
        self._conversation = ""
        self._modes: frozenset[str] = frozenset()  # its own names; none where it does not say
        self._models: dict[str, str] = {}  # by what people may call it
        self._option = ""  # by which its model is set; else there is a method for it
        self._is_changing = False

    async def opened(self, conversation_id: str, result: Json, patience: float) -> Described:
        """It has its conversation; set it so that people are asked, or as was chosen. Raises as a call."""
        self._conversation = conversation_id
        self._modes, self._models, self._option = _modes(result), _models(result), _option(result)
        described = updates.opened(result)
        self.model = described.model
        mode, model = self._wanted
        chosen = mode if await self._is_set(mode, patience) else ""
        if not chosen and self._kind.mode:  # its own default need not be one that asks
            await self._set_mode(self._kind.mode, patience)
        if model and not await self.change_model(model, patience):
            described = replace(described, model=self.model)
        own = self._kind.modes.get(chosen) or self._kind.mode or described.mode
        return replace(described, mode=self._names.get(own, own))

    async def _is_set(self, mode: str, patience: float) -> bool:
        if mode not in self._kind.modes:
            return False
        try:
            await self._set_mode(self._kind.modes[mode], patience)
        except Refused:
            return False  # of another version: it asks
        return True

    async def change_mode(self, name: str, patience: float) -> str:
        """Why it cannot be; empty when it is. Raises as a call, but for a refusal."""
        self._wanted = name, self._wanted[1]
        if not self._conversation:
            return ""  # it is just being opened, and then that is set
        try:
            await self._set_mode(self._kind.modes[name], patience)
        except Refused as refused:
            return str(refused)
        await self._works(name, "")
        return ""

    async def change_model(self, name: str, patience: float) -> str:
        """Why it cannot be; empty when it is. Raises as a call, but for a refusal."""
        self._wanted = self._wanted[0], name
        if not self._conversation:
            return ""
        model = self._models.get(name) or self._models.get(name.casefold())
        if model is None:
            offered = ", ".join(list(dict.fromkeys(self._models.values()))[:MOST_TOLD])
            return f"it offers no model {name}; it has {offered}" if offered else "it offers no choice of its model"
        named = {"configId": self._option, "value": model} if self._option else {"modelId": model}
        method = "session/set_config_option" if self._option else "session/set_model"
        try:
            await self._call(method, {"sessionId": self._conversation, **named}, patience)
        except Refused as refused:
            return str(refused)
        self.model = model
        await self._works("", model)
        return ""

    def is_echo(self, update: Json) -> bool:
        """Whether these words only repeat what we have just set, and nobody said them."""
        return self._is_changing and text(part(update, "content"), "text").startswith(_ECHO)

    def named(self, whats: Iterator[What]) -> Iterator[What]:
        """The same with our names for its modes."""
        for what in whats:
            if isinstance(what, Described) and what.mode:
                what = replace(what, mode=self._names.get(what.mode, what.mode))  # noqa: PLW2901
            if isinstance(what, Described) and what.model:
                self.model = what.model
            yield what

    async def _set_mode(self, mode: str, patience: float) -> None:
        if self._modes and mode not in self._modes:
            raise Refused(0, f"it has no mode {mode}; it offers {', '.join(sorted(self._modes))}")
        self._is_changing = True
        try:
            await self._call("session/set_mode", {"sessionId": self._conversation, "modeId": mode}, patience)
        finally:
            self._is_changing = False


def _modes(result: Json) -> frozenset[str]:
    listed = (text(one, "id", updates.MAX_WORD) for one in parts(part(result, "modes"), "availableModes"))
    chosen = (text(one, "value", updates.MAX_WORD) for one in _choices(result, "mode"))
    return frozenset(filter(None, (*listed, *chosen)))


def _models(result: Json) -> dict[str, str]:
    """Each by its id, and by its name where no other has that for its id."""
    found = [(text(one, "modelId", updates.MAX_WORD), one) for one in parts(part(result, "models"), "availableModels")]
    found += [(text(one, "value", updates.MAX_WORD), one) for one in _choices(result, "model")]
    found = [(name, one) for name, one in found if name][:MOST_OFFERED]
    models = {name: name for name, _ in found}
    for name, one in found:
        models.setdefault(text(one, "name", updates.MAX_WORD).casefold() or name, name)
    return models


def _option(result: Json) -> str:
    if parts(part(result, "models"), "availableModels"):
        return ""
    named = [
        text(one, "id", updates.MAX_WORD) for one in parts(result, "configOptions") if one.get("category") == "model"
    ]
    return named[0] if named else ""


def _choices(result: Json, category: str) -> Iterator[Json]:
    for option in parts(result, "configOptions"):
        if option.get("category") == category:
            for one in parts(option, "options"):
                yield from parts(one, "options") if "options" in one else (one,)
