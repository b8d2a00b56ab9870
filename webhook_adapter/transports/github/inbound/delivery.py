"""What GitHub delivers, read: of each event that matters the few fields that do, of all others why they do not.

Whatever is missing or of another kind makes it an event that does not matter: GitHub adds actions and fields, and takes
some away.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from webhook_adapter.transports.github.outbound.checks import chosen

MAX_TEXT = 65_536  # characters of a comment
_USER = "User"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]{1,200}")
_CHAT = re.compile(r"[1-9][0-9]{0,18}/[1-9][0-9]{0,9}")
_PRESSES = ("requested_action", "rerequested")
_MOST_LINES = 10_000_000


class Where(Enum):
    """What a comment belongs to; the value begins the id of its message, as their numbers overlap."""

    ISSUE = "ic"
    REVIEW_THREAD = "rc"
    REVIEW = "rv"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who did it. Of these the number alone tells them from others: names are given up, and taken by others."""

    user_id: int
    login: str
    is_person: bool


@dataclass(frozen=True, slots=True)
class Repository:
    """By its number, which stays when it is renamed."""

    repository_id: int
    full_name: str
    is_private: bool


@dataclass(frozen=True, slots=True)
class Comment:
    """Somebody wrote. `thread` is the number of the comment that began a review thread, 0 elsewhere."""

    key: str
    where: Where
    comment_id: int
    text: str
    number: int
    thread: int
    sender: Sender
    repository: Repository
    installation_id: int
    written_at: datetime | None = None
    about: str = ""  # the file and line that a review comment is about; others chose its name
    is_pull: bool = False  # it belongs to a pull request

    @property
    def chat_id(self) -> str:
        """The issue or pull request, whatever its repository is called by now."""
        return f"{self.repository.repository_id}/{self.number}"

    @property
    def message_id(self) -> str:
        """The comment among all kinds of them."""
        return f"{self.where.value}{self.comment_id}"


@dataclass(frozen=True, slots=True)
class Gone:
    """A comment was removed. `said` is the key under which it was handed in."""

    key: str
    said: str
    message_id: str
    number: int
    sender: Sender
    repository: Repository

    @property
    def chat_id(self) -> str:
        """As that of the comment."""
        return f"{self.repository.repository_id}/{self.number}"


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody pressed a button of a check of ours: an answer, or that it be done again (then there is no `button`)."""

    key: str
    chat_id: str
    message_id: str
    button: str
    sender: Sender
    repository: Repository
    about = ""
    is_pull = True  # issues have no checks

    @property
    def number(self) -> int:
        """Of the pull request."""
        return int(self.chat_id.partition("/")[2])


@dataclass(frozen=True, slots=True)
class Turned:
    """An issue or pull request was closed, opened again, transferred or deleted, as this delivery has it."""

    action: str
    number: int
    repository: Repository
    moved_to: str = ""  # the chat that it is from now on

    @property
    def chat_id(self) -> str:
        """As that of its comments."""
        return f"{self.repository.repository_id}/{self.number}"


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """The App was taken out of repositories, or suspended; of which is not always told."""

    action: str
    repository_ids: frozenset[int] = frozenset()  # none: any of them


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing is done for it; why."""

    why: str


class _Missing(Exception):
    """A field is not there, or is of another kind."""


_COMMENTS: Mapping[str, tuple[str, Where, str]] = {
    "issue_comment": ("created", Where.ISSUE, "comment"),
    "pull_request_review_comment": ("created", Where.REVIEW_THREAD, "comment"),
    "pull_request_review": ("submitted", Where.REVIEW, "review"),
}


_TURNS: Mapping[str, tuple[frozenset[str], str]] = {
    "issues": (frozenset({"closed", "reopened", "transferred", "deleted"}), "issue"),
    "pull_request": (frozenset({"closed", "reopened"}), "pull_request"),
}
_OUT_OF_REACH: Mapping[str, tuple[frozenset[str], str]] = {
    "installation": (frozenset({"deleted", "suspend"}), "repositories"),
    "installation_repositories": (frozenset({"removed"}), "repositories_removed"),
}

Found = Comment | Gone | Press | Turned | OutOfReach


def is_wanted(event: str, action: str) -> bool:
    """Whether something may become of it."""
    if event == "check_run":
        return action in _PRESSES
    for each in (_TURNS, _OUT_OF_REACH):
        if event in each:
            return action in each[event][0]
    wanted = _COMMENTS.get(event)
    return wanted is not None and (action == wanted[0] or (action == "deleted" and wanted[1] is not Where.REVIEW))


def read(app: str, event: str, payload: object) -> Found | Ignored:
    """What a delivery says. `app` is our own number there: what it tells again names itself the same way."""
    action = _text(payload, "action", "")
    if not is_wanted(event, action):
        return Ignored(f"{event[:50]} {action[:50]}".strip() or "no event")
    try:
        return _found(app, event, action, payload)
    except _Missing as missing:
        return Ignored(f"{event} without {missing}")


def _found(app: str, event: str, action: str, payload: object) -> Found:
    if event == "check_run":
        return _press(app, payload, action)
    if event in _TURNS:
        return _turned(payload, action, _TURNS[event][1])
    if event in _OUT_OF_REACH:
        return OutOfReach(action, _repository_ids(payload, _OUT_OF_REACH[event][1]))
    created, where, field = _COMMENTS[event]
    return _comment(app, payload, where, field) if action == created else _gone(app, payload, where, field)


def _turned(payload: object, action: str, field: str) -> Turned:
    number, repository = _number(_part(payload, field), "number"), _repository(_part(payload, "repository"))
    if action != "transferred":
        return Turned(action, number, repository)
    changes = _part(payload, "changes")
    new_id, new_number = _number(_part(changes, "new_repository"), "id"), _number(_part(changes, "new_issue"), "number")
    return Turned(action, number, repository, f"{new_id}/{new_number}")


def _repository_ids(payload: object, field: str) -> frozenset[int]:
    told = payload.get(field) if isinstance(payload, Mapping) else None
    found = [each.get("id") for each in told if isinstance(each, Mapping)] if isinstance(told, list) else []
    return frozenset(each for each in found if type(each) is int and 0 < each < 2**63)


def _comment(app: str, payload: object, where: Where, field: str) -> Comment:
    said, issue = _part(payload, field), _part(payload, "issue" if where is Where.ISSUE else "pull_request")
    sender, author = _sender(_part(payload, "sender")), _sender(_part(said, "user"))
    if sender.user_id != author.user_id:  # somebody else's words are nobody's command
        raise _Missing("its author as its sender")
    if _is_by_an_app(said):
        raise _Missing("a person behind it")
    comment_id = _number(said, "id")
    text = _text(said, "body", "")
    if not text.strip() or len(text) > MAX_TEXT:
        raise _Missing("words")
    in_reply_to = said.get("in_reply_to_id")
    is_reply = where is Where.REVIEW_THREAD and in_reply_to is not None
    thread = (_number(said, "in_reply_to_id") if is_reply else comment_id) if where is Where.REVIEW_THREAD else 0
    return Comment(
        f"github:{app}:{where.value}{comment_id}:created", where, comment_id, text, _number(issue, "number"), thread,
        sender, _repository(_part(payload, "repository")), _number(_part(payload, "installation"), "id"),
        _moment(said), _about(said), where is not Where.ISSUE or issue.get("pull_request") is not None,
    )  # fmt: skip


def _press(app: str, payload: object, action: str) -> Press:
    run, repository = _part(payload, "check_run"), _repository(_part(payload, "repository"))
    if str(_number(_part(run, "app"), "id")) != app:
        raise _Missing("a check of ours")
    external_id, run_id = _text(run, "external_id"), _number(run, "id")
    chat_id = external_id.partition("|")[2]
    # It names its chat itself, as GitHub tells no pull request for one that comes from a fork.
    if not _CHAT.fullmatch(chat_id) or not chat_id.startswith(f"{repository.repository_id}/"):
        raise _Missing("a chat of that repository")
    button, again = "", f"again:{_text(run, 'completed_at', '')[:32]}"
    if action == "requested_action":
        identifier = _text(_part(payload, "requested_action"), "identifier")
        found = chosen(external_id, identifier, _text(_part(run, "output"), "text", ""))
        if found is None:
            raise _Missing("an answer")
        button, again = found[1], found[1].removeprefix("cmd:")
    # A run asks more than once: each question has a token of its own.
    key = f"github:{app}:cr{run_id}:{again}"
    return Press(key, chat_id, f"cr{run_id}", button, _sender(_part(payload, "sender")), repository)


def _gone(app: str, payload: object, where: Where, field: str) -> Gone:
    """Whoever removed it: that takes nothing but itself."""
    issue = _part(payload, "issue" if where is Where.ISSUE else "pull_request")
    message_id = f"{where.value}{_number(_part(payload, field), 'id')}"
    key, repository = f"github:{app}:{message_id}", _repository(_part(payload, "repository"))
    sender = _sender(_part(payload, "sender"))
    return Gone(f"{key}:deleted", f"{key}:created", message_id, _number(issue, "number"), sender, repository)


def _moment(said: Mapping[str, object]) -> datetime | None:
    text = _text(said, "created_at", "") or _text(said, "submitted_at", "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _about(said: Mapping[str, object]) -> str:
    """Only of a plain name: it stands before a coding agent, and whoever made the branch chose it."""
    path, line = _text(said, "path", ""), said.get("line")
    if not _PLAIN_PATH.fullmatch(path):
        return ""
    return f"line {line} of {path}" if type(line) is int and 0 < line < _MOST_LINES else path


def _is_by_an_app(said: Mapping[str, object]) -> bool:
    return said.get("performed_via_github_app") is not None


def _sender(user: Mapping[str, object]) -> Sender:
    return Sender(_number(user, "id"), _text(user, "login"), _text(user, "type") == _USER)


def _repository(repository: Mapping[str, object]) -> Repository:
    # Unknown counts as public: there less is shown.
    is_private = repository.get("private") is True
    return Repository(_number(repository, "id"), _text(repository, "full_name"), is_private)


def _part(holder: object, name: str) -> Mapping[str, object]:
    value = holder.get(name) if isinstance(holder, Mapping) else None
    if not isinstance(value, Mapping):
        raise _Missing(name)
    return value


def _number(holder: Mapping[str, object], name: str) -> int:
    value = holder.get(name)
    if type(value) is not int or not 0 < value < 2**63:  # True is an int as well
        raise _Missing(name)
    return value


def _text(holder: object, name: str, otherwise: str | None = None) -> str:
    value = holder.get(name) if isinstance(holder, Mapping) else None
    if isinstance(value, str):
        return value
    if otherwise is None:
        raise _Missing(name)
    return otherwise
