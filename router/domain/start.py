"""What a person wants to be started, and where: `/new [machine] [agent] [folder] prompt`."""

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from router.domain import workspace
from router.domain.action import StartSession
from router.domain.errors import Reason, Refusal
from router.domain.machine import CLAUDE
from router.domain.session import MAX_LABEL

MAX_FOLDER = 4096  # bytes: as long as a path can be
MAX_START_FOLDERS = 50  # kept of what a machine names: a person chooses among them
_WORD = re.compile(r"(\S+)\s*(.*)", re.DOTALL)
_FOLDER = re.compile(r"~\S*|/\S*/\S*|\S+/")  # not /init: a slash alone begins a command of the program
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_AGENT = re.compile(r"[a-z][a-z0-9-]{0,31}")
_CONVERSATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")  # as programs other than Claude Code name theirs
_LACKING = (
    "{names} has no {agent} to start. Install it there, and restart its agent; `pointsman doctor` there says what is"
    " missing. It has: {there}"
)
_UNABLE = (
    "{names} starts no sessions. There POINTSMAN_START_FOLDERS must name a folder, and a coding agent be installed;"
    " then restart its agent. Machines that start some: {able}"
)


class Wanted(Struct, frozen=True):
    """A start that is not accepted yet. `machine_id` is empty where there is only one to choose."""

    machine_id: str
    action: StartSession

    @property
    def label(self) -> str:
        """What people call the session until its machine has said more."""
        if (place := self.action.workspace) is not None:
            return workspace.label(place.key, place.repository)[:MAX_LABEL]
        return (self.action.folder.rstrip("/").rpartition("/")[2] or "new")[:MAX_LABEL]


def read(argument: str, machine_ids: Sequence[str], agents: Collection[str] = ()) -> Wanted:
    """What the words behind `/new` say; the first is a machine only where there is one of that name.

    The one behind it is a coding agent only where it is one of `agents`.
    """
    named = {machine_id.casefold(): machine_id for machine_id in machine_ids}
    word, rest = _first(argument)
    machine_id = named.get(word.casefold(), "")
    prompt = rest if machine_id else argument
    word, rest = _first(prompt)
    agent = word.casefold() if word.casefold() in agents else ""
    if agent:
        prompt = rest
        word, rest = _first(prompt)
    folder = word if _FOLDER.fullmatch(word) else ""
    return Wanted(machine_id, StartSession((rest if folder else prompt).strip(), folder, agent=agent))


def checked(
    wanted: Wanted,
    machine_ids: Sequence[str],
    able: Sequence[str],
    agents: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Wanted:
    """What is wanted, with its machine, one of those that are able. Raises Refusal where that cannot be.

    `agents` are the coding agents of each machine, none where it did not say.
    """
    action = wanted.action
    if not action.prompt.strip():
        raise Refusal(Reason.INVALID_ARGUMENT, "The prompt is empty: say what the new session should do.")
    if not is_path(action.folder):
        raise Refusal(Reason.INVALID_ARGUMENT, "The folder is no path.")
    if action.agent and not _AGENT.fullmatch(action.agent):
        raise Refusal(Reason.INVALID_ARGUMENT, "A coding agent's name has up to 32 of a-z, 0-9 and -, such as gemini.")
    if action.conversation_id:
        _check_conversation(action)
    if action.workspace:
        _check_workspace(action)
    having = [one for one in able if _has(agents.get(one, ()), action.agent)]
    if not wanted.machine_id and len(having) == 1:
        return Wanted(having[0], action)
    machine_id = _machine(wanted.machine_id, machine_ids, able if wanted.machine_id or not having else having)
    if machine_id not in having:
        there = _list(list(agents.get(machine_id, ())))
        raise Refusal(Reason.UNSUPPORTED, _LACKING.format(names=machine_id, agent=action.agent, there=there))
    return Wanted(machine_id, action)


def _has(agents: Collection[str], agent: str) -> bool:
    """Whether it can be started, as far as is known: the machine is the judge."""
    return agent in ("", CLAUDE) or not agents or agent in agents


def _check_conversation(action: StartSession) -> None:
    """Raises Refusal where no program names a conversation like that."""
    if action.agent in ("", CLAUDE) and not _UUID.fullmatch(action.conversation_id):
        raise Refusal(Reason.INVALID_ARGUMENT, "A conversation is named by its UUID, in lower case.")
    if not _CONVERSATION.fullmatch(action.conversation_id):
        text = "A conversation is named by up to 128 letters, digits and ._- of its program's."
        raise Refusal(Reason.INVALID_ARGUMENT, text)


def _check_workspace(action: StartSession) -> None:
    """Raises Refusal for what a workspace cannot do."""
    if action.folder:
        raise Refusal(Reason.INVALID_ARGUMENT, "A session works in a folder or in a workspace; name one of them.")
    if action.agent not in ("", CLAUDE):
        raise Refusal(Reason.UNSUPPORTED, f"{action.agent} works in no workspace yet: only Claude Code does.")


def is_path(folder: str) -> bool:
    """Whether this can be a path, and be shown to people."""
    return len(folder.encode()) <= MAX_FOLDER and folder.isprintable()


def _machine(machine_id: str, machine_ids: Sequence[str], able: Sequence[str]) -> str:
    if machine_id in able:
        return machine_id
    # It is there and cannot: say what it lacks, and which can.
    if machine_id in machine_ids or (machine_ids and not able and not machine_id):
        names = machine_id or _list(machine_ids)
        raise Refusal(Reason.UNSUPPORTED, _UNABLE.format(names=names, able=_list(able)))
    if machine_id:
        raise Refusal(Reason.NOT_FOUND, f"There is no machine {machine_id[:128]}. There are: {_list(machine_ids)}")
    if not machine_ids:
        raise Refusal(Reason.NOT_FOUND, "There is no machine yet. Enrol one: pointsman machine token")
    if len(able) > 1:
        raise Refusal(Reason.INVALID_ARGUMENT, f"On which machine? Name one of: {_list(able)}")
    return able[0]


def _list(machine_ids: Sequence[str]) -> str:
    return ", ".join(machine_ids) or "none"


def _first(text: str) -> tuple[str, str]:
    match = _WORD.fullmatch(text.strip())
    return (match[1], match[2]) if match else ("", "")
