"""How a chat wants to be treated: topics, silence, to be asked before old commands go out."""

from collections.abc import Mapping

from msgspec.structs import replace

from router.clock import Clock, time_of_day
from router.domain import quiet, router_buttons
from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal
from router.domain.notification import Button
from router.domain.router_buttons import Verb
from router.domain.schedule import alone, told, unclear, zone_of
from router.domain.session import Session
from router.domain.wording import answers
from router.domain.work import Shows
from router.store import chats, session_topics
from router.store.chats import ChatSettings
from router.store.database import Transaction

_SWITCH = {"on": True, "off": False}
_POLICY = {"ask": True, "send": False}
_SHOWS = {each.value: each for each in Shows}
GOES_ON = {"continue": True, "ask": False}
_WISHES: Mapping[str, tuple[str, Mapping[str, object]]] = {  # as programs say them: the setting, and its words
    "limits": ("goes_on", GOES_ON),
    "bundles": ("bundles", _SWITCH),
    "shows": ("shows", _SHOWS),
    "topics": ("has_topics", _SWITCH),
    "policy": ("asks_first", _POLICY),
}
_OFF = "off"


class SettingsCommands:
    """Answers /settings, /topics, /policy, /quiet, /mute and /unmute; and programs that want the same for a chat."""

    def __init__(self, clock: Clock, zone: str = "UTC") -> None:
        """`zone` is the router's own."""
        self._clock = clock
        self._zone = zone

    def of_chat(self, tx: Transaction, chat: ChatRef, name: str, argument: str) -> tuple[str, tuple[Button, ...]]:
        """Set what the argument says, and tell how it is now, with buttons to change it."""
        settings = chats.settings(tx, chat)
        said: tuple[str, tuple[Button, ...]]
        match name:
            case "topics":
                new = replace(settings, has_topics=_SWITCH.get(argument, settings.has_topics))
                said = answers.TOPICS[new.has_topics], ()
            case "policy":
                new = replace(settings, asks_first=_POLICY.get(argument, settings.asks_first))
                said = self._policy(new, argument)
            case "settings" if argument.lower().startswith("bundle"):
                wish = argument.lower().removeprefix("bundles").removeprefix("bundle").strip()
                new = replace(settings, bundles=_SWITCH.get(wish, settings.bundles))
                said = answers.BUNDLES[new.bundles], ()
            case "settings":
                new = replace(settings, shows=_SHOWS.get(argument.lower(), settings.shows))
                said = _settings(new, argument.lower())
            case _:
                wanted = "" if argument == "off" else quiet.read(argument)
                new = settings if wanted is None else replace(settings, quiet=wanted)
                said = self._quiet(new, understood=wanted is not None or not argument), ()
        # /policy alone only asks how it is: nothing is written.
        if new != settings:
            chats.set_settings(tx, chat, new)
        return said

    def mute(self, tx: Transaction, chat: ChatRef, session: Session, until: str) -> str:
        """Let a session make no sound in this chat, for good or until then. Raises Refusal."""
        known, ends, said = session_topics.find(tx, chat, session.session_id), None, answers.MUTED
        if until:
            now, wall = self._clock.now(), self._clock.wall()
            zone = zone_of(chats.settings(tx, chat).zone or self._zone)
            schedule = alone(until, wall, zone)
            moment = schedule.first(now, wall, zone)
            if moment is None or schedule.repeats or schedule.condition:
                raise unclear(until)
            ends = moment if schedule.is_steady else moment - wall + now
            said = answers.MUTED_UNTIL.format(name="{name}", moment=told(ends + wall - now, zone, wall))
        session_topics.write(tx, chat, session.session_id, replace(known, muted=True, muted_until=ends))
        return said.format(name=session.name)

    def unmute(self, tx: Transaction, chat: ChatRef, session: Session) -> str:
        """Let it be heard again."""
        known = session_topics.find(tx, chat, session.session_id)
        session_topics.write(tx, chat, session.session_id, replace(known, muted=False, muted_until=None))
        return answers.UNMUTED.format(name=session.name)

    def of_program(self, tx: Transaction, chat: ChatRef, wishes: Mapping[str, str]) -> dict[str, str]:
        """Set what a program wants for a chat, where it says something, and tell how all of it is now.

        Raises Refusal, having written nothing.
        """
        settings = chats.settings(tx, chat)
        new = settings
        for name, wish in wishes.items():
            new = _with(new, name, wish.strip()) if wish.strip() else new
        if new != settings:
            chats.set_settings(tx, chat, new)
        said = {name: _word(words, getattr(new, field)) for name, (field, words) in _WISHES.items()}
        return {**said, "quiet": new.quiet or _OFF, "zone": new.zone or self._zone}

    def _policy(self, settings: ChatSettings, argument: str) -> tuple[str, tuple[Button, ...]]:
        text = answers.POLICY[settings.asks_first]
        if argument in _POLICY:
            return text, ()
        return f"{text}\n{answers.POLICY_HINT}", (router_buttons.button(Verb.ASK), router_buttons.button(Verb.DONT_ASK))

    def _quiet(self, settings: ChatSettings, *, understood: bool) -> str:
        if not understood:
            return answers.QUIET_HOW
        clock = f"{time_of_day(self._clock.now()):%H:%M}"
        return (answers.QUIET_ON if settings.quiet else answers.QUIET_OFF).format(quiet=settings.quiet, clock=clock)


def _with(settings: ChatSettings, name: str, wish: str) -> ChatSettings:
    if name == "zone":
        return replace(settings, zone=zone_of(wish).key)
    if name == "quiet":
        hours = "" if wish == _OFF else quiet.read(wish)
        if hours is None:
            raise Refusal(Reason.INVALID_ARGUMENT, answers.NO_SUCH_HOURS)
        return replace(settings, quiet=hours)
    field, words = _WISHES[name]
    if wish.lower() not in words:
        raise Refusal(Reason.INVALID_ARGUMENT, answers.NO_SUCH_WISH.format(name=name, words=", ".join(words)))
    return replace(settings, **{field: words[wish.lower()]})


def _word(words: Mapping[str, object], value: object) -> str:
    return next(word for word, meant in words.items() if meant == value)


def _settings(settings: ChatSettings, argument: str) -> tuple[str, tuple[Button, ...]]:
    text = answers.SHOWS[settings.shows]
    if argument in _SHOWS:
        return text, ()
    more = answers.other_settings(
        has_topics=settings.has_topics, asks_first=settings.asks_first, quiet=settings.quiet, bundles=settings.bundles
    )
    return f"{text}\n{answers.SHOWS_HINT}{more}", router_buttons.show_buttons()
