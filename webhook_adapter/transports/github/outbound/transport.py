"""GitHub as the courier sees it: comments, changed while work goes on; reactions as marks; checks beside them."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from pointsman.client.errors import RouterError
from webhook_adapter.clock import Clock
from webhook_adapter.router.errors import is_about_content
from webhook_adapter.transports.github.outbound import text
from webhook_adapter.transports.github.outbound.check_marks import CheckMarks
from webhook_adapter.transports.github.outbound.checks import Checks
from webhook_adapter.transports.github.outbound.client import GitHubClient, Need
from webhook_adapter.transports.github.outbound.comments import REACTIONS, Comments, Where, is_message, where
from webhook_adapter.transports.github.outbound.http import ApiRefused, NoAnswer
from webhook_adapter.transports.github.outbound.refusals import GONE, outcome_of
from webhook_adapter.transports.github.outbound.text import Place
from webhook_adapter.transports.transport import (
    ChatNews,
    ChatRef,
    Delivered,
    Kind,
    Outgoing,
    Refused,
    RetryLater,
    SendOutcome,
)

logger = logging.getLogger(__name__)

EDIT_APART_S = 15.0  # of one message
_REMEMBERED = 1_000
_NO_CHAT = Refused("this is no issue or pull request", chat_closed=True)
_LINE = "line:"  # begins the message id of a reminder, which is a line of the comment whose id follows
_BEGUN, _TYPED = "🚀", "👍"
_UNDER_WAY = ("QUEUED", "SENT", "RECEIVED")
_FAILED = ("FAILED", "UNCERTAIN", "EXPIRED", "DEAD")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Own:
    """Who we are there."""

    app_id: int
    slug: str
    word: str  # what comments call us

    @property
    def bot(self) -> str:
        """What GitHub calls the App's user."""
        return f"{self.slug}[bot]"


class GitHubTransport:
    """Brings messages to issues, pull requests and review threads."""

    name = "github"

    def __init__(self, client: GitHubClient, own: Own, checks: Checks, clock: Clock, now: Callable[[], float]) -> None:
        """`now` is the time of day."""
        self._client, self._own, self._clock, self._now = client, own, clock, now
        self._checks = CheckMarks(checks)
        self._comments = Comments(client, own.app_id, own.bot)
        self._unsure: OrderedDict[str, None] = OrderedDict()  # notifications whose comment may be there already
        self._edited: OrderedDict[str, float] = OrderedDict()  # when messages were changed
        self._shown: dict[tuple[ChatRef, str], str] = {}  # what shows a turn, by chat and session

    def send(self, message: Outgoing) -> SendOutcome:
        """Bring one message, as one comment or a few."""
        return self._told(message, self._send)

    def edit(self, message: Outgoing) -> SendOutcome:
        """Change comments of ours; those that are gone come anew."""
        return self._told(message, self._edit)

    def react(self, chat: ChatRef, message_id: str, mark: str) -> SendOutcome:
        """Put a reaction on a comment, of GitHub's eight; "" takes ours off."""
        there = where(chat)
        content = REACTIONS.get(mark.removesuffix("\ufe0f"), "")
        if there is None or not is_message(message_id) or (mark and not content):
            return Refused("GitHub has no such mark, or the message takes none")
        try:
            if content:
                self._comments.react(there, message_id, content)
            else:
                self._comments.unreact(there, message_id)
        except ApiRefused as refused:
            return outcome_of(refused) if refused.after is not None else Refused(refused.words)
        except NoAnswer as silence:
            return Refused(str(silence))  # the words that stand in for a mark come at once
        return Delivered(())

    def delete(self, chat: ChatRef, message_id: str) -> bool:
        """Take a comment of ours away."""
        there = where(chat)
        if there is None or not is_message(message_id):
            return True  # it never was
        try:
            self._comments.remove(there, message_id)
        except ApiRefused as refused:
            return refused.status in GONE
        except NoAnswer:
            return False
        return True

    def news(self, _chat: ChatRef) -> ChatNews:
        """How long all chats rest: GitHub's limits know none of them."""
        pause = self._client.rate_limits.pause()
        return ChatNews(pause, pause)

    def _told(self, message: Outgoing, bring: Callable[[Outgoing, Where], SendOutcome]) -> SendOutcome:
        there = where(message.chat)
        if there is None:
            return _NO_CHAT
        try:
            outcome = bring(message, there)
        except ApiRefused as refused:
            if message.kind is Kind.WORK and refused.status in GONE:
                return Refused(refused.words)  # somebody took the comment away, and the chat may be there still
            return outcome_of(refused)
        except NoAnswer as silence:
            _remember(self._unsure, message.notification_id, None)
            return RetryLater(str(silence), alone=self._answers())
        except RouterError as error:  # of a file
            return Refused(error.message) if is_about_content(error) else RetryLater(error.message)
        self._unsure.pop(message.notification_id, None)
        return outcome

    def _send(self, message: Outgoing, there: Where) -> SendOutcome:
        if message.kind is Kind.STATUS and message.command_state in _UNDER_WAY:
            return self._accepted(message, there)
        if message.kind is Kind.STATUS and message.command_state == "DONE" and self._done(message):
            return Delivered(())
        if message.kind is Kind.WORK and (outcome := self._in_check(message, there)):
            return outcome
        if message.kind is Kind.QUESTION and self._reminds(message, there):
            return Delivered((f"{_LINE}{message.reply_to_message_id}",))
        bodies = self._bodies(message, there)
        found = self._left(message, there, len(bodies))
        ids: list[str] = []
        for number, body in enumerate(bodies):
            mark = text.marker(message.notification_id, number)
            ids.append(found.get(mark) or self._comments.post(there, f"{body}\n\n{mark}", _need(message)))
        if message.kind is Kind.WORK:
            self._shown[message.chat, message.session_id] = ids[0]
        elif message.kind in (Kind.PROGRESS, Kind.ANSWER):
            self._replace_shown(message)
        elif message.kind is Kind.STATUS and message.command_state in _FAILED:
            self._failed(message, there)
        return Delivered((*ids, *self._asked(message, there, ids[-1])))

    def _accepted(self, message: Outgoing, there: Where) -> SendOutcome:
        """That something was taken is a mark, and no comment: nobody is called for that."""
        if message.reply_to_message_id:
            self.react(message.chat, message.reply_to_message_id, "👀")
        self._checks.queued(message, there)
        return Delivered(())

    def _done(self, message: Outgoing) -> bool:
        """Whether a mark could say that it was typed, or begun: what comes of it has comments enough."""
        answered, mark = message.reply_to_message_id, _BEGUN if message.text.startswith(_BEGUN) else _TYPED
        return bool(answered) and isinstance(self.react(message.chat, answered, mark), Delivered)

    def _failed(self, message: Outgoing, there: Where) -> None:
        if message.reply_to_message_id:
            self.react(message.chat, message.reply_to_message_id, "😕")
        self._checks.failed(message, there, text.said(message))

    def _in_check(self, message: Outgoing, there: Where) -> SendOutcome | None:
        """What shows a turn stands in the check of a pull request, where it calls nobody; None for an issue."""
        told = self._checks.working(message, there, self._work(message, there))
        if isinstance(told, float):
            return RetryLater(f"changed less than {EDIT_APART_S:.0f} s ago", told)
        return Delivered((told,)) if told else None

    def _asked(self, message: Outgoing, there: Where, comment: str) -> tuple[str, ...]:
        """A question is a check besides, of which buttons are a part; the message id of that, if there is one.

        So is what a model would hand over; its comment shows all of it to everybody already.
        """
        if message.kind not in (Kind.QUESTION, Kind.ANSWER) or not message.buttons:
            return ()
        is_private = self._client.repository(there.repository_id).is_private
        bare, place = replace(message, buttons=()), Place(self._own.word, is_private)
        if message.kind is Kind.ANSWER:
            words = text.bodies(bare, place)[0]
            return self._checks.asked(message, there, words, is_private=True, offer=comment)
        words = text.question(bare, place)[0]
        return self._checks.asked(message, there, text.WAITS if not is_private else words, is_private=is_private)

    def _reminds(self, message: Outgoing, there: Where) -> bool:
        """Whether the comment that it answers is the question itself: it says then since when it waits.

        One comment in place of many: whoever follows the page would hear of each.
        """
        asked = message.reply_to_message_id
        body = self._comments.own_body(there, asked) if is_message(asked) else ""
        if not text.is_open(body):
            return False
        self._say(there, asked, body, text.reminded(body, message.text))
        return True

    def _ends_reminder(self, message: Outgoing, there: Where) -> SendOutcome:
        """The question's own comment tells how it ended; of what stays beside that none says that it waits."""
        for each in message.edit_message_ids:
            body = self._comments.own_body(there, each.removeprefix(_LINE))
            self._say(there, each.removeprefix(_LINE), body, text.closed(body))
        return Delivered(message.edit_message_ids)

    def _say(self, there: Where, message_id: str, before: str, body: str) -> None:
        if body != before:
            self._comments.change(there, message_id, body, Need.NORMAL)

    def _replace_shown(self, message: Outgoing) -> None:
        """The answer stands in for what showed its turn: one comment in place of two."""
        if shown := self._shown.pop((message.chat, message.session_id), ""):
            self.delete(message.chat, shown)

    def _edit(self, message: Outgoing, there: Where) -> SendOutcome:
        if message.edit_message_ids and all(map(_is_line, message.edit_message_ids)):
            return self._ends_reminder(message, there)
        ids = [each for each in message.edit_message_ids if is_message(each)]
        if wait := self._too_soon(ids):
            return RetryLater(f"changed less than {EDIT_APART_S:.0f} s ago", wait)
        if message.kind is Kind.WORK and not ids and (outcome := self._in_check(message, there)):
            return outcome
        if message.kind is Kind.QUESTION and not message.buttons:
            self._checks.answered(message, there)
        elif message.kind is Kind.ANSWER and not message.buttons and ids:
            self._checks.over(message, there, ids[-1])
        if not message.text:
            return self._take_choices(message, there, ids)
        bodies = self._bodies(message, there)
        kept = ids[: max(0, len(ids) - len(bodies))]
        changed = [*kept]
        # Of several comments that now say less, the last ones change: there stand the choices.
        old: list[str] = ids[len(kept) :]
        for number, body in enumerate(bodies):
            mark = text.marker(message.notification_id, number)
            changed.append(self._put(message, there, old[number] if number < len(old) else "", body, mark))
        checks = (each for each in message.edit_message_ids if each.startswith("cr"))
        return Delivered((*changed, *checks))

    def _put(self, message: Outgoing, there: Where, message_id: str, body: str, mark: str) -> str:
        """Change a comment, or write it anew where it is gone; its message id."""
        if message_id:
            try:
                self._comments.change(there, message_id, f"{body}\n\n{mark}", _need(message))
            except ApiRefused as refused:
                if refused.status not in GONE or message.kind is Kind.WORK:
                    raise
                logger.info("comment to change is gone chat=%s message=%s", message.chat.chat_id, message_id)
            else:
                _remember(self._edited, message_id, self._clock.monotonic())
                return message_id
        found = self._left(message, there, 1).get(mark)
        return found or self._comments.post(there, f"{body}\n\n{mark}", _need(message))

    def _take_choices(self, message: Outgoing, there: Where, ids: list[str]) -> SendOutcome:
        for message_id in ids[-1:]:
            try:
                body = self._comments.body(there, message_id)
                if (bare := text.without_options(body)) != body:
                    self._comments.change(there, message_id, bare, _need(message))
            except ApiRefused as refused:
                if refused.status not in GONE:
                    raise
        return Delivered(message.edit_message_ids)

    def _bodies(self, message: Outgoing, there: Where) -> list[str]:
        place = Place(self._own.word, self._client.repository(there.repository_id).is_private)
        if message.kind is Kind.QUESTION:
            return text.question(message, place)
        if message.kind is Kind.WORK:
            return [self._work(message, there)]
        return text.bodies(message, place)

    def _work(self, message: Outgoing, there: Where) -> str:
        """What a turn does; in detail where only those read it who may see all of it."""
        lines = text.said(message).split("\n")
        return "\n".join(lines if self._client.repository(there.repository_id).is_private else lines[:1])

    def _left(self, message: Outgoing, there: Where, count: int) -> dict[str, str]:
        """Comments that an earlier try has left, by their markers."""
        if message.attempt < 2 and message.notification_id not in self._unsure:
            return {}
        markers = [text.marker(message.notification_id, number) for number in range(count)]
        return self._comments.find(there, markers, self._now())

    def _too_soon(self, ids: list[str]) -> float:
        now = self._clock.monotonic()
        return max(0.0, *(self._edited[each] + EDIT_APART_S - now for each in ids if each in self._edited), 0.0)

    def _answers(self) -> bool:
        """Whether GitHub answers other calls."""
        try:
            self._client.as_app("GET", "/app")
        except (ApiRefused, NoAnswer):
            return False
        return True


def _is_line(message_id: str) -> bool:
    return message_id.startswith(_LINE) and is_message(message_id.removeprefix(_LINE))


def _need(message: Outgoing) -> Need:
    if message.kind is Kind.WORK:
        return Need.PROGRESS
    return Need.URGENT if message.kind is Kind.QUESTION else Need.NORMAL


def _remember(known: OrderedDict[str, T], key: str, value: T) -> None:
    known.pop(key, None)
    known[key] = value
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
