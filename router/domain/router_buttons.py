"""The router's own buttons, under status messages and answers: what a person can do about a command, or choose.

A button's action is a verb, or "verb:key". Under a status message it acts on its command and no other.
"""

import hashlib
from collections.abc import Iterable, Mapping
from enum import Enum

from router.domain import answer_rule, namesakes
from router.domain.action import KeepSession, PermissionDecision, StopSession
from router.domain.command import Command, CommandState, Hold
from router.domain.control import ControlSignal
from router.domain.deferral import Deferred, DeferredState
from router.domain.notification import MAX_BUTTONS, Button
from router.domain.permission import Permission, Verdict
from router.domain.session import Session, bare_id
from router.domain.wording import labels
from router.domain.work import Shows

ALLOW_FOR = "for"  # there, too: shows for how long; what it shows begins so
ALLOW_FOR_BACK = "for-back"
_TWO_HOURS = f"{ALLOW_FOR}-120"  # minutes
REASON = "reason"  # under a permission question: says how to give one
LONGEST_ID = 36  # bytes of an id, as a UUID has: with a verb before it more would not fit a platform's button
_IS_ID = "="  # stands in no id: so none can pass for the hash of another
MAX_OFFERED = 12  # sessions to choose from; more do not fit a phone


class Verb(Enum):
    """What a button of ours does."""

    RETRY = "retry"
    ELSEWHERE = "send-to"  # shows the sessions to choose from
    TO = "to"  # its key names the session
    BACK = "back"
    DROP = "drop"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel-all"  # and what its line tells of before it
    SEND = "send"  # now, after it waited for a person's word
    USE = "use"  # its key names the session
    HERE = "here"  # the session, named by its key, that what was written is for
    KEY = "key"  # its key is the key to press
    MODE = "mode"  # its key is the mode to choose
    MODEL = "model"
    ASK = "ask"
    DONT_ASK = "dont-ask"
    SAY = "say"  # what was heard in a recording
    SAY_FILE = "say-file"  # the recording itself
    DONT_SAY = "dont-say"
    SHOW = "show"  # its key says what of a turn
    PAUSE = "pause"  # the key of this and the next three names what is to be done later
    RESUME = "resume"
    NOW = "now"
    OFF = "off"
    ALL = "all"  # what its message shows, each as it was shown
    END = "end"  # its key names a rule
    GO_ON = "go-on"  # when the usage limit is over
    KEEP_NOTE = "keep-note"  # the key of this and the next two is a note's number
    FORGET_NOTE = "forget-note"
    TAKE_NOTE = "take-note"  # so that it is known to nobody else
    BEGIN = "begin"  # its key names work that a model would hand over


_ENDED_BADLY = (Verb.RETRY, Verb.ELSEWHERE, Verb.DROP)
_CURES: dict[CommandState, tuple[Verb, ...]] = {
    CommandState.QUEUED: (Verb.CANCEL,),
    CommandState.SENT: (Verb.CANCEL,),
    CommandState.RECEIVED: (Verb.CANCEL,),
    CommandState.FAILED: (Verb.RETRY, Verb.ELSEWHERE),
    CommandState.EXPIRED: (Verb.RETRY, Verb.ELSEWHERE),
    CommandState.UNCERTAIN: _ENDED_BADLY,
    CommandState.DEAD: _ENDED_BADLY,
}

_FOR_ONE_SESSION = (
    PermissionDecision | StopSession | KeepSession | ControlSignal
)  # and for no other: "send to…" is not offered


def cures(command: Command, *, with_others: bool = False) -> tuple[Button, ...]:
    """What can be done about a command as it stands, and `with_others` that its line tells of."""
    if command.dropped:
        return ()
    asked = command.state is CommandState.QUEUED and command.hold is Hold.ASKED
    verbs = (Verb.SEND, Verb.CANCEL) if asked else _CURES.get(command.state, ())
    if isinstance(command.action, _FOR_ONE_SESSION):
        verbs = tuple(verb for verb in verbs if verb is not Verb.ELSEWHERE)
    if with_others and Verb.CANCEL in verbs:
        verbs = (*verbs, Verb.CANCEL_ALL)
    return tuple(button(verb) for verb in verbs)


def permission_buttons(asked: Permission, *, can_last: bool = False) -> tuple[Button, ...]:
    """What can be pressed under a permission question; `can_last`: a rule may let the same for a time."""
    if not asked.is_open:
        return ()
    pressed = [option for option in asked.options if option.has_button]
    offered = [Button(option.label or labels.LABELS[option.verdict.value], option.option_id) for option in pressed]
    # Not in place of a way to answer: a message has so many buttons.
    if can_last and answer_rule.can_be_made(asked) and len(offered) < MAX_BUTTONS - 1:
        at = sum(option.verdict is not Verdict.DENY for option in pressed)
        offered.insert(at, Button(labels.LABELS[ALLOW_FOR], ALLOW_FOR))
    with_reason = any(option.takes_text for option in pressed)
    return (*offered, Button(labels.LABELS[REASON], REASON)) if with_reason else tuple(offered)


def allow_for_buttons(asked: Permission, hour: int) -> tuple[Button, ...]:
    """For how long what is asked may be let; `hour` is when the day is over: 20 or 24 o'clock."""
    always = [option for option in asked.options if option.verdict is Verdict.ALLOW_ALWAYS and option.has_button]
    return (
        Button(labels.TWO_HOURS, _TWO_HOURS),
        Button(labels.UNTIL[hour], f"{ALLOW_FOR}-{hour}h"),
        *(Button(option.label or labels.LABELS[option.verdict.value], option.option_id) for option in always),
        Button(labels.LABELS[Verb.BACK.value], ALLOW_FOR_BACK),
    )


def button(verb: Verb) -> Button:
    """A button that needs no key."""
    return Button(labels.LABELS[verb.value], verb.value)


def deferred_button(verb: Verb, deferred_id: str) -> Button:
    """A button about what is to be done later."""
    return Button(labels.LABELS[verb.value], f"{verb.value}:{deferred_id}")


def deferred_buttons(deferred: Deferred) -> tuple[Button, ...]:
    """What can be done about it as it stands."""
    if not deferred.state.live:
        return ()
    toggle = Verb.RESUME if deferred.state is DeferredState.PAUSED else Verb.PAUSE
    return tuple(deferred_button(verb, deferred.deferred_id) for verb in (toggle, Verb.NOW, Verb.OFF))


def begin_button(proposal_id: str) -> Button:
    """The button that starts what a model would hand over."""
    return Button(labels.LABELS[Verb.BEGIN.value], f"{Verb.BEGIN.value}:{proposal_id}")


def waiting_note_buttons(number: int) -> tuple[Button, ...]:
    """What can be done about a note that waits for a person."""
    return tuple(note_button(verb, number) for verb in (Verb.KEEP_NOTE, Verb.FORGET_NOTE))


def note_button(verb: Verb, number: int) -> Button:
    """A button about a note."""
    return Button(labels.LABELS[verb.value], f"{verb.value}:{number}")


def session_buttons(verb: Verb, there: Iterable[Session]) -> tuple[Button, ...]:
    """One button for each session."""
    there = list(there)
    labels = namesakes.on_button(there)
    offered = list(zip(labels, there, strict=True))[:MAX_OFFERED]
    return tuple(Button(label, f"{verb.value}:{key_of(session)}") for label, session in offered)


def show_buttons() -> tuple[Button, ...]:
    """One button for each way to show a turn."""
    return tuple(Button(labels.SHOWS[each.value], f"{Verb.SHOW.value}:{each.value}") for each in Shows)


def key_buttons(names: Iterable[str]) -> tuple[Button, ...]:
    """One button for each key of a keyboard."""
    return tuple(Button(name, f"{Verb.KEY.value}:{name}") for name in names)


def control_buttons(verb: Verb, values: Iterable[str], labels: Mapping[str, str]) -> tuple[Button, ...]:
    """One button for each mode, or model."""
    return tuple(Button(labels.get(each, each), f"{verb.value}:{each}") for each in values)


def key_of(session: Session) -> str:
    """Names a session in a button: by its id, or by a hash of one that is too long for it."""
    identity = bare_id(session.session_id)
    return f"{_IS_ID}{identity}" if len(identity) <= LONGEST_ID else hash_of(session)


def id_of(key: str) -> str:
    """The session's id that a button names it by; empty for a hash, as it is in those from before."""
    return key[1:] if key.startswith(_IS_ID) else ""


def hash_of(session: Session) -> str:
    """What names a session whose id is too long."""
    return hashlib.sha256(bare_id(session.session_id).encode()).hexdigest()[:16]


def verb_of(action: str) -> tuple[Verb | None, str]:
    """The verb of a button's action and its key; None for a verb there never was."""
    name, _, key = action.partition(":")
    return next((verb for verb in Verb if verb.value == name), None), key
