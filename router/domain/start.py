"""What a person wants to be started, and where: `/new [machine] [folder] prompt`."""

import re
from collections.abc import Sequence

from msgspec import Struct

from router.domain.action import StartSession
from router.domain.errors import Reason, Refusal
from router.domain.session import MAX_LABEL

MAX_FOLDER = 4096  # bytes: as long as a path can be
MAX_START_FOLDERS = 50  # kept of what a machine names: a person chooses among them
_WORD = re.compile(r"(\S+)\s*(.*)", re.DOTALL)
_FOLDER = re.compile(r"~\S*|/\S*/\S*|\S+/")  # not /init: a slash alone begins a command of the program
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNABLE = (
    "{names} starts no sessions. There POINTSMAN_START_FOLDERS must name a folder, and claude be installed; then"
    " restart its agent. Machines that start some: {able}"
)


class Wanted(Struct, frozen=True):
    """A start that is not accepted yet. `machine_id` is empty where there is only one to choose."""

    machine_id: str
    action: StartSession

    @property
    def label(self) -> str:
        """What people call the session until its machine has said more."""
        return (self.action.folder.rstrip("/").rpartition("/")[2] or "new")[:MAX_LABEL]


def read(argument: str, machine_ids: Sequence[str]) -> Wanted:
    """What the words behind `/new` say; the first is a machine only where there is one of that name."""
    named = {machine_id.casefold(): machine_id for machine_id in machine_ids}
    word, rest = _first(argument)
    machine_id = named.get(word.casefold(), "")
    prompt = rest if machine_id else argument
    word, rest = _first(prompt)
    folder = word if _FOLDER.fullmatch(word) else ""
    return Wanted(machine_id, StartSession((rest if folder else prompt).strip(), folder))


def checked(wanted: Wanted, machine_ids: Sequence[str], able: Sequence[str]) -> Wanted:
    """What is wanted, with its machine, one of those that are able. Raises Refusal where that cannot be."""
    action = wanted.action
    if not action.prompt.strip():
        raise Refusal(Reason.INVALID_ARGUMENT, "The prompt is empty: say what the new session should do.")
    if not is_path(action.folder):
        raise Refusal(Reason.INVALID_ARGUMENT, "The folder is no path.")
    if action.conversation_id and not _UUID.fullmatch(action.conversation_id):
        raise Refusal(Reason.INVALID_ARGUMENT, "A conversation is named by its UUID, in lower case.")
    return Wanted(_machine(wanted.machine_id, machine_ids, able), action)


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
