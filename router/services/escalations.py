"""Questions on their way up a person's ladder: told, told again, told elsewhere, until somebody answers.

Each step and what it puts into the outbox are one transaction, so a crash on either side takes it once; moments are
those of the steady clock. What a platform does not take goes to the next one: of a round (domain/escalation.py) the
first that is shown spares the others, also when they could be brought in the end.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from router.clock import Clock, time_of_day
from router.domain import concern, escalation, quiet, router_buttons, schedule
from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal
from router.domain.escalation import AGAIN, DAY, STAND_IN, Escalation, Rung, Telling
from router.domain.notification import Button, Kind, Notification, NotificationState
from router.domain.permission import Permission
from router.domain.risk import SHIPPED, RiskRule, risks
from router.domain.schedule import zone_of
from router.domain.session import Session
from router.domain.wording import escalations as wording
from router.domain.wording import questions
from router.domain.wording.status_lines import quoted
from router.services.links import desk
from router.services.links.desk import HOLD
from router.services.outbox.escalation import is_shown
from router.services.outbox.leases import Outbox
from router.services.people import audience
from router.services.wakeups import EXPIRY, Wakeups
from router.store import chats, commands, escalations, meta, notifications, people, permissions, sessions
from router.store.database import Transaction
from router.store.statements import Connection

BATCH = 20  # in a transaction; others wait for it
SOON = 1.0  # seconds between two steps of one that are both due
_LADDER = "ladder"  # of whoever has the key
_NOWHERE = frozenset({NotificationState.REFUSED, NotificationState.DEAD})

Ladder = tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class Escalations:
    """Each call is one step inside one transaction."""

    _outbox: Outbox
    _wakeups: Wakeups
    _clock: Clock
    _new_id: Callable[[], str]
    _new_token: Callable[[], str]
    _rules: tuple[RiskRule, ...] = SHIPPED
    _zone: str = "UTC"

    def begin(self, tx: Transaction, session: Session, asked: Permission, asker: str) -> None:
        """Tell of a question where its session is heard of, as each person's ladder begins."""
        heard, now = audience.listeners(tx, session), self._clock.now()
        # Whoever types there may answer there: they are asked elsewhere once they had the time.
        hold = HOLD if desk.is_busy(tx, session.session_id, now) else 0.0
        begun: dict[str, tuple[Ladder, list[ChatRef]]] = {}
        for person_id in dict.fromkeys(who for whose in heard.values() for who in whose):
            ladder = of_person(tx, person_id)
            theirs = [chat for chat, whose in heard.items() if person_id in whose]
            begun[person_id] = ladder, _at_once(ladder, theirs)
        at_once = {chat for _, first in begun.values() for chat in first}
        for chat, whose in heard.items():
            if (chat in at_once and not hold) or not whose:  # the console is nobody's, and shows it at once
                note = self._tell(tx, asked, chat, asker)
                for person_id in whose:
                    escalations.tell(tx, Telling(note, asked.permission_id, person_id, 0, 0, now))
        for person_id, (ladder, first) in begun.items():
            if hold:
                known = Escalation(asked.permission_id, person_id, session.session_id, now, now + hold)
                escalations.write(tx, known)
            elif ladder:
                known = Escalation(asked.permission_id, person_id, session.session_id, now, 0.0, now)
                others = _others(audience.places(tx, session, person_id), {chat.transport for chat in first})
                escalations.write(tx, self._waiting(ladder, known, others, shown=False))

    def concern(
        self, tx: Transaction, session: Session, asked: Permission, whose: Collection[str], *, is_told: bool
    ) -> None:
        """Let what is no question go up the ladders of those who want that; `is_told`: it was told to them just now."""
        heard, now = audience.listeners(tx, session), self._clock.now()
        theirs = {chat: who & set(whose) for chat, who in heard.items()}
        ladders = {person_id: of_person(tx, person_id) for who in theirs.values() for person_id in sorted(who)}
        for chat, who in heard.items():
            first = {p for p in theirs[chat] if not is_told and chat in _at_once(ladders[p], _of(theirs, p))}
            if first or not who:  # the console has it in its inbox
                note = self._tell(tx, asked, chat, "router")
                for person_id in sorted(first):
                    escalations.tell(tx, Telling(note, asked.permission_id, person_id, 0, 0, now))
        for person_id, ladder in ladders.items():
            if ladder:
                known = Escalation(asked.permission_id, person_id, session.session_id, now, 0.0, now)
                there = set() if is_told else {chat.transport for chat in _at_once(ladder, _of(theirs, person_id))}
                others = _others(audience.places(tx, session, person_id), there)
                escalations.write(tx, self._waiting(ladder, known, others, shown=is_told))

    def look(self, tx: Transaction) -> float | None:
        """Take the steps that are due; returns when the next one is (steady seconds since the epoch)."""
        for known in escalations.due(tx, self._clock.now(), BATCH):
            asked, session = permissions.find(tx, known.permission_id), sessions.find(tx, known.session_id)
            is_somebody = not known.person_id or people.find(tx, known.person_id) is not None
            places = audience.places(tx, session, known.person_id) if session and is_somebody else []
            ladder = of_person(tx, known.person_id)
            if asked is None or not asked.is_open or session is None or not places:
                escalations.end(tx, known)
            elif known.told_at == 0:
                self._first(tx, session, asked, known, ladder)
            elif not ladder or not concern.is_wanted(asked, people.concerns(tx).get(known.person_id, "")):
                escalations.end(tx, known)
            else:
                self._step(tx, asked, known, ladder, places)
        return escalations.next_at(tx)

    def over(self, tx: Transaction, permission_id: str) -> None:
        """A question is over."""
        escalations.over(tx, permission_id)

    def failed(self, tx: Transaction, notification: Notification) -> None:
        """A platform does not take it: whoever it tells need not wait for that any longer."""
        if notification.permission_id and not notification.edits:
            escalations.hasten(tx, notification.permission_id, self._clock.now())
            tx.after_commit(partial(self._wakeups.wake, EXPIRY))

    def _first(self, tx: Transaction, session: Session, asked: Permission, known: Escalation, ladder: Ladder) -> None:
        """Somebody sat at the terminal when it was asked, and has not answered there."""
        heard = audience.listeners(tx, session)
        theirs = [chat for chat, whose in heard.items() if known.person_id in whose]
        first = _at_once(ladder, theirs)
        self._tell_all(tx, asked, known.person_id, first, 0)
        others = _others(audience.places(tx, session, known.person_id), {chat.transport for chat in first})
        escalations.write(tx, self._waiting(ladder, replace(known, told_at=self._clock.now()), others, shown=False))

    def _step(
        self, tx: Transaction, asked: Permission, known: Escalation, ladder: Ladder, places: list[ChatRef]
    ) -> None:
        now, told_by = self._clock.now(), self._told_by(tx, known)
        shown = [note for _, note in told_by if is_shown(note)]
        in_round = [note for telling, note in told_by if telling.round == known.round]
        others = _others(places, {note.chat.transport for _, note in told_by})
        # Of what is no question the first round was told by what it is about.
        is_shown_now = not in_round or any(map(is_shown, in_round))
        if not is_shown_now and self._is_stuck(known, in_round) and self._stands_in(known, ladder, others):
            known = self._stand_in(tx, asked, known, ladder, others)
        elif known.rung < len(ladder) and now >= known.asked_at + ladder[known.rung].after:
            if wait := self._quiet(tx, asked, places, urgent=ladder[known.rung].urgent):
                # What is urgent does not wait behind what is not.
                following = (at for at in range(known.rung, len(ladder)) if ladder[at].urgent)
                urgent = next(following, None)
                ends = now + wait if urgent is None else min(now + wait, known.asked_at + ladder[urgent].after)
                if urgent is None or ends > now:
                    escalations.write(tx, replace(known, next_at=ends))
                    return
                known = replace(known, rung=urgent)
            known = self._climb(tx, asked, known, ladder, others, shown)
        elif now >= known.asked_at + (known.days + 1) * DAY:
            if wait := self._quiet(tx, asked, places, urgent=False):
                escalations.write(tx, replace(known, next_at=now + wait))
                return
            self._remind(tx, asked, shown)
            known = replace(known, days=int((now - known.asked_at) // DAY))
        told_by = self._told_by(tx, known)
        others = _others(places, {note.chat.transport for _, note in told_by})
        in_round = [note for telling, note in told_by if telling.round == known.round]
        is_shown_now = not in_round or any(map(is_shown, in_round))
        escalations.write(tx, self._waiting(ladder, known, others, shown=is_shown_now))

    def _climb(
        self,
        tx: Transaction,
        asked: Permission,
        known: Escalation,
        ladder: Ladder,
        others: dict[str, list[ChatRef]],
        shown: list[Notification],
    ) -> Escalation:
        """The rung whose time has come. A reminder that was missed is none beside what came after it."""
        rung, now = ladder[known.rung], self._clock.now()
        following = known.rung + 1
        if rung.way == AGAIN:
            due = (each.way for each in ladder[following:] if now >= known.asked_at + each.after)
            if not any(way in others for way in due):
                self._again(tx, asked, known, ladder, others, shown)
            return replace(known, rung=following)
        if rung.way not in others:  # it was told there already, or there is no such place
            return replace(known, rung=following)
        self._tell_all(tx, asked, known.person_id, others[rung.way], known.round + 1)
        return replace(known, rung=following, round=known.round + 1, told_at=now)

    def _again(
        self,
        tx: Transaction,
        asked: Permission,
        known: Escalation,
        ladder: Ladder,
        others: dict[str, list[ChatRef]],
        shown: list[Notification],
    ) -> None:
        """Remind where it is shown; what is no question, and was told by what it is about, is told there now."""
        if self._told_by(tx, known):
            self._remind(tx, asked, shown)
        else:
            there = [chat for chats_there in others.values() for chat in chats_there]
            self._tell_all(tx, asked, known.person_id, _at_once(ladder, there), known.round)

    def _stand_in(
        self, tx: Transaction, asked: Permission, known: Escalation, ladder: Ladder, others: dict[str, list[ChatRef]]
    ) -> Escalation:
        at = escalation.next_transport(ladder, known.rung, set(others))
        if at is None:
            return known
        self._tell_all(tx, asked, known.person_id, others[ladder[at].way], known.round)
        # Reminders below it keep their time: what is told by it now, they need not tell.
        return replace(known, told_at=self._clock.now(), rung=known.rung if at > known.rung else at + 1)

    def _stands_in(self, known: Escalation, ladder: Ladder, others: dict[str, list[ChatRef]]) -> bool:
        return escalation.next_transport(ladder, known.rung, set(others)) is not None

    def _is_stuck(self, known: Escalation, in_round: list[Notification]) -> bool:
        waited = self._clock.now() >= known.told_at + STAND_IN
        return waited or all(note.state in _NOWHERE for note in in_round)

    def _waiting(
        self, ladder: Ladder, known: Escalation, others: dict[str, list[ChatRef]], *, shown: bool
    ) -> Escalation:
        now = self._clock.now()
        stands_in = not shown and self._stands_in(known, ladder, others)
        return replace(known, next_at=max(now + SOON, escalation.due_at(ladder, known, stands_in=stands_in)))

    def _told_by(self, tx: Transaction, known: Escalation) -> list[tuple[Telling, Notification]]:
        theirs = [each for each in escalations.told(tx, known.permission_id) if each.person_id == known.person_id]
        found = ((each, notifications.find(tx, each.notification_id)) for each in theirs)
        return [(each, note) for each, note in found if note is not None]

    def _tell_all(
        self, tx: Transaction, asked: Permission, person_id: str, there: Iterable[ChatRef], number: int
    ) -> None:
        known = {note.chat: note for note in notifications.showing(tx, asked.permission_id)}
        turn = 1 + max((each.turn for each in escalations.told(tx, asked.permission_id)), default=0)
        for chat in there:
            # A chat that two persons read has one question.
            note = known[chat].notification_id if chat in known else self._tell(tx, asked, chat, "router")
            telling = Telling(note, asked.permission_id, person_id, number, turn, self._clock.now())
            escalations.tell(tx, telling)

    def _tell(self, tx: Transaction, asked: Permission, chat: ChatRef, actor: str) -> str:
        text, buttons = questions.question(asked, risks(self._rules, asked)), self._buttons(asked)
        note = Notification(
            self._new_id(), asked.session_id, chat, Kind.QUESTION, text, self._new_token(), self._clock.now(), buttons,
            permission_id=asked.permission_id,
        )  # fmt: skip
        self._outbox.add(tx, note, actor)
        return note.notification_id

    def _remind(self, tx: Transaction, asked: Permission, shown: list[Notification]) -> None:
        """Say in the places that show it that it is still open; where a reminder still waits, that says it."""
        there = notifications.showing(tx, asked.permission_id)
        waiting = {note.chat.chat_id for note in there if note.state.live}
        for note in shown:
            if note.chat.chat_id in waiting:
                continue
            chat = replace(chats.current(tx, note.chat), message_id=note.message_ids[0])
            reminder = Notification(
                self._new_id(), asked.session_id, chat, Kind.QUESTION, self._still_open(tx, asked, chat),
                self._new_token(), self._clock.now(),
                () if wording.is_long(asked) else self._buttons(asked),
                permission_id=asked.permission_id,
            )  # fmt: skip
            self._outbox.add(tx, reminder, "router")

    def _buttons(self, asked: Permission) -> tuple[Button, ...]:
        can_last = not any(rule.needs_code for rule in risks(self._rules, asked))
        return router_buttons.permission_buttons(asked, can_last=can_last)

    def _still_open(self, tx: Transaction, asked: Permission, chat: ChatRef) -> str:
        wall, now = self._clock.wall(), self._clock.now()
        zone = zone_of(chats.settings(tx, chat).zone or self._zone)
        since = schedule.told(asked.created_at + wall - now, zone, wall)
        session = sessions.get(tx, asked.session_id)
        behind = commands.live_of_session(tx, session.machine_id, session.session_id)
        texts = [quoted(command) for command in behind]
        asks = questions.question(asked, risks(self._rules, asked))
        shown = wording.beginning(asks) if wording.is_long(asked) else asks
        return wording.still_open(shown, since, now - asked.created_at, texts)

    def _quiet(self, tx: Transaction, asked: Permission, places: list[ChatRef], *, urgent: bool) -> float:
        """Seconds for which a person wants no reminder; 0 for what nobody could answer behind them."""
        now = self._clock.now()
        hours = [hours for chat in places if (hours := chats.settings(tx, chat).quiet)]
        waits = [quiet.left(each, time_of_day(now)) for each in hours if quiet.covers(each, time_of_day(now))]
        wait = max(waits, default=0.0)
        return 0.0 if urgent or asked.expires_at <= now + wait else wait


def of_person(on: Connection, person_id: str) -> Ladder:
    """A person's ladder; empty where they want none."""
    person = people.find(on, person_id) if person_id else None
    text = person.ladder if person else meta.get(on, _LADDER) or ""
    return escalation.read(text or escalation.DEFAULT)


def change(tx: Transaction, person_id: str, *, ladder: str, concerns: str) -> tuple[str, str]:
    """What a person wants, where it is given; both as they are then. Raises Refusal, having written nothing."""
    if person_id and people.find(tx, person_id) is None:
        raise Refusal(Reason.NOT_FOUND, wording.NO_PERSON.format(person_id=person_id[:100]))
    rungs = escalation.read(ladder) if ladder else None
    wanted = concern.read(concerns) if concerns else None
    if rungs is not None:
        set_ladder(tx, person_id, rungs)
    if wanted is not None:
        people.set_concerns(tx, person_id, concern.as_kept(wanted))
    return told(tx, person_id)


def set_ladder(tx: Transaction, person_id: str, ladder: Ladder) -> None:
    """What a person, or whoever has the key, wants from the next question on."""
    if person_id:
        people.set_ladder(tx, person_id, escalation.told(ladder))
    else:
        meta.put(tx, _LADDER, escalation.told(ladder))


def told(tx: Transaction, person_id: str) -> tuple[str, str]:
    """A person's ladder, and what goes up it beside questions, as people write both."""
    wanted = concern.kept(people.concerns(tx).get(person_id, ""))
    return escalation.told(of_person(tx, person_id)), concern.told(wanted)


def _at_once(ladder: Ladder, theirs: list[ChatRef]) -> list[ChatRef]:
    ways = escalation.first_ways(ladder, {chat.transport for chat in theirs})
    return [chat for chat in theirs if chat.transport in ways]


def _others(places: Iterable[ChatRef], told_on: set[str]) -> dict[str, list[ChatRef]]:
    """Places by transport, of those on which it was not told."""
    found: dict[str, list[ChatRef]] = {}
    for chat in places:
        if chat.transport not in told_on:
            found.setdefault(chat.transport, []).append(chat)
    return found


def _of(theirs: Mapping[ChatRef, set[str]], person_id: str) -> list[ChatRef]:
    return [chat for chat, who in theirs.items() if person_id in who]
