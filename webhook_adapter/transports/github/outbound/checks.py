"""What a session does on a pull request, as a check of its newest commit; and what it asks, which waits for weeks.

in progress ──▶ success, neutral, failure          a turn, and how it ended
     │  ▲
     ▼  │ answered
action required                                    completed to GitHub: only so buttons show, and nothing gets stale

A check belongs to a commit: when another comes, what is open is put there, and the old one is closed. Nothing that must
survive is kept here: GitHub has the runs by name, and each says itself whose it is.
"""

import json
import re
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from webhook_adapter.clock import Clock
from webhook_adapter.transports.github.outbound.client import Cost, GitHubClient, Need
from webhook_adapter.transports.github.outbound.comments import Where
from webhook_adapter.transports.github.outbound.http import ApiRefused
from webhook_adapter.transports.github.outbound.refusals import GONE
from webhook_adapter.transports.transport import Button, Outgoing

APART_S = 15.0  # between two changes of a run's summary
MOST_ACTIONS, LABEL, IDENTIFIER = 3, 20, 20  # GitHub's bounds
_YES_AND_NO = ("allow", "deny")
_OF = "of"
_MOST_TEXT = 60_000
_HIDDEN = re.compile(r"<!-- pm-check (\{.*?\}) -->", re.DOTALL)
_COMMITS_LOOKED_AT = 20
_DESCRIPTION = "Answer with this"
_WORKING, _DONE, _FAILED, _OVER = "Working", "Done", "It failed", "The session has ended"
_MOVED = "Goes on at {sha}"
_WAITS = "Waits for you: comment `@{word} 1`"
_WAITS_ELSEWHERE = "Waits for its owner"
_OFFERS, _CHOSEN = "Would hand over work: comment `@{word} 1`", "Nothing waits here any more"
_MORE = "Whoever may write here can answer with a button above, or with a comment. Anybody else's press has no effect."

Run = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """A session's work in a pull request."""

    there: Where
    session_id: str

    @property
    def name(self) -> str:
        """As its run is called: the same on each commit."""
        return f"pointsman {self.session_id[:8]}" if self.session_id else "pointsman"

    @property
    def chat_id(self) -> str:
        return f"{self.there.repository_id}/{self.there.number}"


@dataclass(slots=True)
class _Known:
    """A run as this process has last seen it."""

    run_id: int
    sha: str
    is_open: bool  # it says that something goes on
    asks: bool
    changed_at: float


class Checks:
    """Of one App. Threads may share it; one at a time changes runs."""

    def __init__(self, client: GitHubClient, app_id: int, word: str, clock: Clock) -> None:
        """`word` is what comments call us."""
        self._client, self._app_id, self._word, self._clock = client, app_id, word, clock
        self._lock = threading.RLock()  # guards all below, and a run from being made twice
        self._pulls: dict[Where, bool] = {}
        self._known: dict[Subject, _Known] = {}

    def head(self, there: Where) -> str:
        """The newest commit of a pull request; "" for an issue. Raises GitHubError."""
        with self._lock:
            if there not in self._pulls:
                self._pulls[there] = self._is_pull(there)
            if not self._pulls[there]:
                return ""
            told = self._client.call(there.repository_id, "GET", f"/pulls/{there.number}").content
            head = told.get("head") if isinstance(told, dict) else None
            return str(head.get("sha") or "") if isinstance(head, dict) else ""

    def _is_pull(self, there: Where) -> bool:
        try:
            told = self._client.call(there.repository_id, "GET", f"/issues/{there.number}").content
        except ApiRefused as refused:
            if refused.status not in GONE:
                raise
            return True  # or it is gone, which the next call shows: not every server calls pull requests issues
        return isinstance(told, dict) and isinstance(told.get("pull_request"), dict)

    def queued(self, subject: Subject) -> None:
        """Something waits to be begun. Raises GitHubError."""
        with self._lock:
            if (sha := self.head(subject.there)) and self._open_on(subject, sha) is None:
                self._put(subject, sha, {"status": "queued", "output": _output("Queued", "It begins soon.")})

    def working(self, subject: Subject, summary: str = "") -> float | str:
        """A turn goes on: the run's message id; "" for an issue; or the seconds until it may be changed.

        Raises GitHubError.
        """
        with self._lock:
            if not (sha := self.head(subject.there)):
                return ""
            known = self._open_on(subject, sha)
            if known and known.asks:
                return f"cr{known.run_id}"  # what it asks is not written over
            if known and (wait := known.changed_at + APART_S - self._clock.monotonic()) > 0:
                return wait
            fields = {"status": "in_progress", "output": _output(_WORKING, summary or "At work.")}
            return f"cr{self._put(subject, sha, fields).run_id}"

    def asks(self, subject: Subject, message: Outgoing, words: str, *, is_private: bool, offer: str = "") -> str:
        """It asks something: the run's message id, "" for an issue. Raises GitHubError.

        `offer`: the comment that offers the same, where it is no question of a session's.
        """
        with self._lock:
            if not (sha := self.head(subject.there)):
                return ""
            token = message.buttons[0].data.split(":")[1] if message.buttons else ""
            buttons = message.buttons if is_private else ()
            waits = (_OFFERS if offer else _WAITS).format(word=self._word)
            title = waits if is_private else _WAITS_ELSEWHERE
            hidden = {"options": [_action(each) for each in buttons], "actions": _actions(buttons), _OF: offer}
            fields = {
                "status": "completed",
                "conclusion": "action_required",
                "external_id": f"{token}|{subject.chat_id}",
                "output": _output(title, words, f"{_MORE}\n\n{_hide(hidden)}" if is_private else ""),
                "actions": hidden["actions"],
            }
            return f"cr{self._put(subject, sha, fields, asks=True).run_id}"

    def answered(self, subject: Subject) -> None:
        """What it asked is over, and it goes on. Raises GitHubError."""
        with self._lock:
            known = self._open_on(subject, self.head(subject.there))
            if known and known.asks:
                fields = {"status": "in_progress", "output": _output(_WORKING, "It was answered, and goes on.")}
                self._put(subject, known.sha, fields | {"actions": []})

    def over(self, subject: Subject, offer: str, words: str) -> None:
        """What a comment offered was chosen, or is offered no more. Raises GitHubError."""
        with self._lock:
            known = self._open_on(subject, self.head(subject.there))
            run = self._found(subject, known.sha) if known and known.asks else None
            if known and run and _hidden(run).get(_OF) == offer:  # else it asks something newer
                self._end(subject, known.sha, "neutral", _CHOSEN, words)

    def ended(self, subject: Subject, conclusion: str, summary: str = "") -> None:
        """A turn is over; nothing where none was shown. Raises GitHubError."""
        with self._lock:
            known = self._open_on(subject, self.head(subject.there))
            # A question is over when it is answered, or with its session.
            if known and not (known.asks and conclusion == "success"):
                title = {"success": _DONE, "failure": _FAILED}.get(conclusion, _OVER)
                self._end(subject, known.sha, conclusion, title, summary)

    def _end(self, subject: Subject, sha: str, conclusion: str, title: str, summary: str) -> None:
        fields = {"status": "completed", "conclusion": conclusion, "output": _output(title, summary), "actions": []}
        self._put(subject, sha, fields, is_open=False)

    def is_asking(self, subject: Subject) -> bool:
        """Whether what it shows now is a question, as far as this process knows."""
        with self._lock:
            known = self._known.get(subject)
            return known is not None and known.asks

    def follow(self, subject: Subject) -> None:
        """Put what is open on the newest commit, where there is another one by now. Raises GitHubError."""
        with self._lock:
            if not (sha := self.head(subject.there)):
                return
            known = self._known.get(subject)
            if known is not None and known.sha == sha:
                return
            if found := self._found(subject, sha):
                self._known[subject] = self._seen(found, sha)
                return
            before = [known.sha] if known else self._commits(subject.there, sha)
            for old in before:
                if run := self._found(subject, old):
                    self._move(subject, run, sha)
                    return

    def _move(self, subject: Subject, run: Run, sha: str) -> None:
        seen = self._seen(run, sha)
        if not seen.is_open:
            return
        output = run.get("output") or {}
        fields: Run = {"status": run.get("status"), "external_id": str(run.get("external_id") or "")}
        fields["output"] = _output(*(str(output.get(name) or "") for name in ("title", "summary", "text")))
        if seen.asks:
            fields |= {"conclusion": "action_required", "actions": _hidden(run).get("actions", [])}
        self._put(subject, sha, fields, asks=seen.asks)
        # After the new one: who dies between the two leaves one too many, never none.
        closing = {
            "status": "completed",
            "conclusion": "neutral",
            "output": _output(_MOVED.format(sha=sha[:7]), "A commit came."),
            "actions": [],
        }
        self._change(subject.there, int(run["id"]), closing)

    def _open_on(self, subject: Subject, sha: str) -> _Known | None:
        """The run on this commit, if it says that something goes on."""
        if not sha:
            return None
        self.follow(subject)
        known = self._known.get(subject)
        return known if known and known.sha == sha and known.is_open else None

    def _put(self, subject: Subject, sha: str, fields: Run, *, is_open: bool = True, asks: bool = False) -> _Known:
        known, run_id = self._known.get(subject), 0
        if known is not None and known.sha == sha:
            run_id = known.run_id
        elif found := self._found(subject, sha):
            run_id = int(found["id"])
        told = {"external_id": f"|{subject.chat_id}"} | fields
        if not run_id or not self._change(subject.there, run_id, told):
            made = {"name": subject.name, "head_sha": sha} | told
            answer = self._client.call(
                subject.there.repository_id, "POST", "/check-runs", made, cost=Cost.CONTENT, need=_need(asks=asks)
            )
            run_id = int(answer.content["id"])
        self._known[subject] = _Known(run_id, sha, is_open, asks, self._clock.monotonic())
        return self._known[subject]

    def _change(self, there: Where, run_id: int, fields: Run) -> bool:
        """Change a run; False where it is gone."""
        try:
            self._client.call(there.repository_id, "PATCH", f"/check-runs/{run_id}", fields, cost=Cost.WRITE)
        except ApiRefused as refused:
            if refused.status in GONE:
                return False
            raise
        return True

    def _found(self, subject: Subject, sha: str) -> Run | None:
        path = f"/commits/{sha}/check-runs?check_name={quote(subject.name)}&app_id={self._app_id}"
        told = self._client.call(subject.there.repository_id, "GET", path).content
        runs = told.get("check_runs") if isinstance(told, dict) else None
        # Another one of this name in another chat: a commit may be the newest of two pull requests.
        ours = [each for each in runs or [] if str(each.get("external_id", "")).endswith(f"|{subject.chat_id}")]
        return ours[0] if ours else None

    def _seen(self, run: Run, sha: str) -> _Known:
        asks = run.get("conclusion") == "action_required"
        # What nobody ended in two weeks GitHub calls stale: it goes on all the same.
        is_open = asks or run.get("status") != "completed" or run.get("conclusion") == "stale"
        return _Known(int(run["id"]), sha, is_open, asks, self._clock.monotonic() - APART_S)

    def _commits(self, there: Where, sha: str) -> list[str]:
        """Commits of the pull request before its newest, the newest first."""
        told = self._client.call(there.repository_id, "GET", f"/pulls/{there.number}/commits?per_page=100").content
        shas = [str(each.get("sha")) for each in told] if isinstance(told, list) else []
        return [each for each in reversed(shas) if each != sha][:_COMMITS_LOOKED_AT]


def chosen(external_id: str, identifier: str, output_text: str) -> tuple[str, str] | None:
    """Which chat a press belongs to, and what it sends back; None where it says nothing of ours."""
    token, divided, chat_id = external_id.partition("|")
    match = re.fullmatch(r"#([1-9][0-9]?)", identifier)
    if not divided or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", token):
        return None
    if match is None:
        return chat_id, f"cmd:{token}:{identifier}"
    options = _hidden({"output": {"text": output_text}}).get("options", [])
    number = int(match[1])
    return (chat_id, f"cmd:{token}:{options[number - 1]}") if number <= len(options) else None


def _actions(buttons: tuple[Button, ...]) -> list[dict[str, str]]:
    """Choices as buttons; where not all of them fit a plain yes and no, or none: half a choice is worse than a list."""
    shown = list(enumerate(buttons, 1))
    if not _fit([each for _, each in shown]):
        # What a coding agent asks has longer ones beside these two nearly always, such as an "always".
        shown = [(number, each) for number, each in shown if _action(each) in _YES_AND_NO]
        if len(shown) < len(_YES_AND_NO) or not _fit([each for _, each in shown]):
            return []
    return [
        {
            "label": each.label,
            "description": _DESCRIPTION,
            "identifier": _action(each) if len(_action(each)) <= IDENTIFIER else f"#{number}",
        }
        for number, each in shown
    ]


def _fit(buttons: list[Button]) -> bool:
    """Whether GitHub takes all of them."""
    return len(buttons) <= MOST_ACTIONS and all(0 < len(each.label) <= LABEL for each in buttons)


def _action(button: Button) -> str:
    return button.data.split(":", 2)[2] if button.data.count(":") >= 2 else ""


def _output(title: str, summary: str, more: str = "") -> dict[str, str]:
    told = {"title": (title or _WORKING)[:250], "summary": summary[:_MOST_TEXT] or title or _WORKING}
    return told | ({"text": more[:_MOST_TEXT]} if more else {"text": " "})


def _hide(told: dict[str, Any]) -> str:
    return f"<!-- pm-check {json.dumps(told).replace('>', chr(92) + 'u003e')} -->"


def _hidden(run: Run) -> dict[str, Any]:
    match = _HIDDEN.search(str((run.get("output") or {}).get("text") or ""))
    try:
        told = json.loads(match[1]) if match else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _need(*, asks: bool) -> Need:
    return Need.URGENT if asks else Need.BESIDE
