"""/later, /remind, /every, /scheduled, /zone and /limits, and the buttons under what they say."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from router.clock import Clock
from router.domain import router_buttons
from router.domain.command import ChatRef, Origin
from router.domain.deferral import Deferred, Owner, Task, Wanted, after_reset
from router.domain.errors import IllegalTransition, Refusal
from router.domain.notification import Button, Notification
from router.domain.person import Deed
from router.domain.router_buttons import Verb
from router.domain.routing import START, Inbound
from router.domain.schedule import EXAMPLES, Schedule, read, unclear, zone_of
from router.domain.session import Session
from router.domain.wording import answers, labels, summary
from router.domain.wording import deferrals as wording
from router.services.chat.settings import GOES_ON
from router.services.deferral import rights
from router.services.deferral.deferrals import Deferrals
from router.services.deferral.limits import ON_RESET, Limits
from router.services.deferral.occurrences import Occurrences
from router.services.outbox.status_messages import StatusMessages
from router.services.people import rights as people_rights
from router.services.starts import Starts
from router.store import chats, deferred, messages, notifications, sessions
from router.store.database import Transaction

COMMANDS = frozenset(["later", "remind", "every", "scheduled", "zone", "limits", "summary"])
MAX_SHOWN = 8  # at once, a message each
_OF_ONE = frozenset({Verb.PAUSE, Verb.RESUME, Verb.NOW, Verb.OFF})
VERBS = _OF_ONE | {Verb.GO_ON}


class Said(Struct, frozen=True):
    """What is answered, and what is offered with it; `session_id`: what it speaks of."""

    text: str
    buttons: tuple[Button, ...] = ()
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class ChatDeferrals:
    """Answers with what is said. None: it must be asked first which session is meant."""

    _deferrals: Deferrals
    _occurrences: Occurrences
    _limits: Limits
    _starts: Starts
    _status_messages: StatusMessages
    _clock: Clock

    def run(self, tx: Transaction, inbound: Inbound, name: str, argument: str, about: str) -> list[Said] | None:
        """Carry out one of COMMANDS; `about` is the session that it is for, where there is one."""
        try:
            match name:
                case "scheduled":
                    return [self._moved(tx, inbound, argument)] if argument else self._scheduled(tx, inbound)
                case "zone":
                    return [Said(self._zone(tx, inbound.chat, argument))]
                case "summary":
                    return [Said(self._summary(tx, inbound, argument))]
                case "limits":
                    return [Said(_limits(tx, inbound.chat, argument))]
            return self._defer(tx, inbound, name, argument, about)
        except Refusal as refusal:
            return [Said(answers.refused(refusal))]

    def doing(self, tx: Transaction, chat: ChatRef, session: Session, *, connected: bool) -> str:
        """What a session does, with the end of its usage limit in the time of this chat."""
        return answers.doing(session, connected=connected, wall=self._clock.wall(), zone=self._zone_of(tx, chat))

    def for_limit(self, tx: Transaction, inbound: Inbound, session_id: str, text: str) -> Said | None:
        """A text for a session at its usage limit waits for the end of that; None where it is at none."""
        session = sessions.find(tx, session_id) if sessions.is_limited(tx, session_id) else None
        # Until what waited for it has gone in, too: what is written now is meant behind that.
        if session is None or (after_reset(session) or 0.0) <= self._clock.wall():
            return None
        zone = self._zone_of(tx, inbound.chat)
        wanted = Wanted(Task.TEXT, ON_RESET, zone.key, text, _origin(inbound), owner_of(inbound), session.session_id)
        try:
            kept = self._deferrals.defer(tx, wanted)
        except Refusal:
            return None  # it goes in as it is
        moment = self._limits.moment(tx, inbound.chat, session.limited_until or 0.0)
        said = wording.WAITS_FOR_LIMIT.format(name=session.name, moment=moment, text=text[:200])
        return Said(said, router_buttons.deferred_buttons(kept)[1:], session.session_id)

    def press(self, tx: Transaction, inbound: Inbound, note: Notification, verb: Verb, key: str, label: str) -> str:
        """Do what one of VERBS says; what to show the presser."""
        actor = inbound.actor or inbound.chat.transport
        try:
            after = self._pressed(tx, inbound, note, verb, key, actor)
        except (Refusal, IllegalTransition) as error:
            return answers.refused(error) if isinstance(error, Refusal) else labels.STALE_BUTTON
        if after is None:
            return wording.NO_LIMIT_NOW
        text, buttons = self._line(tx, after), router_buttons.deferred_buttons(after)
        if verb is Verb.GO_ON:
            text, buttons = f"{note.text}\n{wording.WILL_GO_ON}", buttons[-1:]
        signed = self._status_messages.by(labels.CHOSE.format(label=label), actor)
        self._status_messages.said_again(tx, note, label, f"{text}\n\n{signed}", buttons)
        return text[:200]

    def _pressed(
        self, tx: Transaction, inbound: Inbound, note: Notification, verb: Verb, key: str, actor: str
    ) -> Deferred | None:
        match verb:
            case Verb.PAUSE:
                return self._deferrals.pause(tx, key, actor)
            case Verb.RESUME:
                return self._deferrals.resume(tx, key, actor)
            case Verb.OFF:
                return self._deferrals.cancel(tx, key, actor)
            case Verb.NOW:
                return self._occurrences.now(tx, key)
        session = sessions.get(tx, note.session_id)
        return self._limits.go_on(tx, session, replace(_origin(inbound), chat=_place(inbound.chat)), owner_of(inbound))

    def _defer(self, tx: Transaction, inbound: Inbound, name: str, argument: str, about: str) -> list[Said] | None:
        if not argument:
            return [Said(wording.HOW[name].format(examples=EXAMPLES))]
        zone = self._zone_of(tx, inbound.chat)
        said = f"every {argument}" if name == "every" else argument
        schedule, text = read(said, self._clock.wall(), zone)
        if schedule.repeats and name == "later":
            return [Said(wording.NOT_AGAIN.format(words=schedule.words.removeprefix("every ")))]
        if not text:
            raise unclear(argument)
        start = START.fullmatch(text) if name != "remind" else None
        if start is None and not about and (name != "remind" or schedule.condition):
            return None
        session_id = about if start is None and (name != "remind" or schedule.condition) else ""
        task = Task.REMINDER if name == "remind" else Task.START if start else Task.TEXT
        if forbidden := rights.of_person(tx, inbound.person, task, session_id):
            return [Said(forbidden)]
        wanted = self._wanted(tx, inbound, task, schedule, zone.key, start[1] if start else text)
        kept = self._deferrals.defer(tx, replace(wanted, session_id=session_id))
        return [self._shown(tx, kept)]

    def _summary(self, tx: Transaction, inbound: Inbound, argument: str) -> str:
        """Let one come at a time of each day, in place of what came before; or none any more."""
        if not argument:
            return summary.HOW
        words = self._deferrals.each_day(tx, argument, _origin(inbound), owner_of(inbound))
        return summary.ON.format(when=words) if words else summary.OFF

    def _wanted(
        self, tx: Transaction, inbound: Inbound, task: Task, schedule: Schedule, zone: str, text: str
    ) -> Wanted:
        wanted = Wanted(task, schedule, zone, text, _origin(inbound), owner_of(inbound))
        if task is not Task.START:
            return wanted
        start = self._starts.read(tx, text)
        return replace(wanted, text=start.action.prompt, machine_id=start.machine_id, folder=start.action.folder)

    def _scheduled(self, tx: Transaction, inbound: Inbound) -> list[Said]:
        there = [each for each in deferred.page(tx) if each.origin.chat and _is_in(each.origin.chat, inbound.chat)]
        there = [each for each in there if not _is_hidden(tx, inbound, each)]
        shown = [self._shown(tx, each) for each in there[:MAX_SHOWN]]
        if len(there) > MAX_SHOWN:
            shown.append(Said(wording.MORE.format(count=len(there) - MAX_SHOWN)))
        return shown or [Said(wording.NOTHING)]

    def _moved(self, tx: Transaction, inbound: Inbound, words: str) -> Said:
        """Give what the answered message shows another time, in the zone of this chat. Raises Refusal."""
        shown = notifications.find(tx, messages.notification_of(tx, inbound.chat, inbound.reply_to))
        named = [router_buttons.verb_of(each.action) for each in shown.buttons] if shown else []
        known = deferred.find(tx, next((key for verb, key in named if verb in _OF_ONE), ""))
        if known is None or _is_hidden(tx, inbound, known):
            return Said(wording.MOVE_WHICH)
        if forbidden := rights.of_person(tx, inbound.person, known.task, known.session_id):
            return Said(forbidden)
        actor = inbound.actor or inbound.chat.transport
        zone = self._zone_of(tx, inbound.chat).key
        return self._shown(tx, self._deferrals.move(tx, known.deferred_id, words, zone, actor))

    def _shown(self, tx: Transaction, each: Deferred) -> Said:
        return Said(self._line(tx, each), router_buttons.deferred_buttons(each), each.session_id)

    def _line(self, tx: Transaction, each: Deferred) -> str:
        session = sessions.find(tx, each.session_id) if each.session_id else None
        name, zone = session.name if session else each.session_id, zone_of(each.zone)
        return wording.described(each, name, zone, self._clock.wall(), self._clock.now())

    def _zone(self, tx: Transaction, chat: ChatRef, argument: str) -> str:
        settings = chats.settings(tx, chat)
        if argument:
            zone = zone_of(argument)
            chats.set_settings(tx, chat, replace(settings, zone=zone.key))
        zone = self._zone_of(tx, chat)
        clock = f"{datetime.fromtimestamp(self._clock.wall(), zone):%H:%M}"
        return (wording.ZONE_SET if argument else wording.ZONE).format(zone=zone.key, clock=clock)

    def _zone_of(self, tx: Transaction, chat: ChatRef) -> ZoneInfo:
        return zone_of(chats.settings(tx, chat).zone or self._deferrals.zone)


def _limits(tx: Transaction, chat: ChatRef, argument: str) -> str:
    settings = chats.settings(tx, chat)
    new = replace(settings, goes_on=GOES_ON.get(argument.lower(), settings.goes_on))
    if new != settings:
        chats.set_settings(tx, chat, new)
    said = wording.GOES_ON[new.goes_on]
    return said if argument.lower() in GOES_ON else f"{said}\n{wording.LIMITS_HINT}"


def _is_in(place: ChatRef, chat: ChatRef) -> bool:
    return (place.transport, place.chat_id) == (chat.transport, chat.chat_id)


def _is_hidden(tx: Transaction, inbound: Inbound, each: Deferred) -> bool:
    """Of a session that whoever asks may not know of."""
    return bool(each.session_id and people_rights.refusal(tx, inbound.person, Deed.LOOK, each.session_id))


def _origin(inbound: Inbound) -> Origin:
    return Origin(inbound.chat.transport, inbound.actor, inbound.chat)


def _place(chat: ChatRef) -> ChatRef:
    return replace(chat, message_id="")


def owner_of(inbound: Inbound) -> Owner:
    """Who writes, for what is done later with their rights."""
    if inbound.person is not None:
        user_id = inbound.user_id if inbound.needs_pairing else ""
        return Owner(f"person {inbound.person.person_id}", inbound.person.person_id, user_id)
    whose = f"user {inbound.user_id}" if inbound.user_id else f"chat {inbound.chat.chat_id}"
    return Owner(f"{inbound.chat.transport} {whose}")
