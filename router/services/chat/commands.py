"""Commands to the router itself, typed in a chat: what is there, what is chosen, what waits."""

from dataclasses import dataclass

from router.domain import router_buttons
from router.domain.action import KEYS, Action, KeepSession, KeyPress, StartSession
from router.domain.command import ChatRef, Command, CommandState
from router.domain.control import ControlKind, checked
from router.domain.notification import Button
from router.domain.person import Person
from router.domain.router_buttons import Verb
from router.domain.routing import CONTROLS, Inbound
from router.domain.session import Session, bare_id
from router.domain.wording import answers
from router.domain.wording import controls as wording
from router.link.hub import Hub
from router.services.chat import audience, batches
from router.services.chat.audience import AudienceCommands, matching
from router.services.chat.batches import ChatBatches
from router.services.chat.buttons import Press
from router.services.chat.deferrals import ChatDeferrals
from router.services.chat.settings import SettingsCommands
from router.services.chat.workspaces import ChatWorkspaces
from router.services.delivery.engine import DeliveryEngine
from router.services.people import rights
from router.store import chats, commands, sessions
from router.store.database import Transaction

MAX_LISTED = 20
MAX_SHOWN = 5  # dead letters at once, a message each
_PRESSES: dict[str, Action] = {"stop": KeyPress("esc"), "keep": KeepSession()}
KEYPAD = ("esc", "enter", "tab", "ctrl-c", "up", "down", "left", "right")


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said, and what is offered with it. `session_id`: what it speaks of; `letters`: shown after it."""

    text: str
    buttons: tuple[Button, ...] = ()
    session_id: str = ""
    letters: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatCommands:
    """Answers chat commands with text, or with an action for a session."""

    _delivery: DeliveryEngine
    _settings: SettingsCommands
    _hub: Hub
    _deferrals: ChatDeferrals
    _audience: AudienceCommands
    _batches: ChatBatches
    _workspaces: ChatWorkspaces

    def run(self, tx: Transaction, inbound: Inbound, name: str, argument: str, about: str) -> Reply | Press:
        """Carry out one command of routing.CHAT_COMMANDS; `about`: what those of ABOUT_A_SESSION are for."""
        chat = inbound.chat
        if name in audience.COMMANDS | batches.COMMANDS:
            return self._of_others(tx, inbound, name, argument, about)
        match name:
            case "sessions":
                return self._sessions(tx, inbound)
            case "use":
                return self._use(tx, inbound, argument)
            case "stop" | "keep":
                return Press(about, _PRESSES[name])
            case "key":
                return _key(sessions.get(tx, about), argument.lower())
            case "cancel":
                return Reply(self._cancel(tx, chat, about))
            case "status" | "dead" | "workspaces":
                return self._told(tx, inbound, name, argument)
            case "topics" | "policy" | "quiet" | "settings":
                return Reply(*self._settings.of_chat(tx, chat, name, argument))
        return (
            _control(sessions.get(tx, about), ControlKind(name), argument) if name in CONTROLS else Reply(answers.HELP)
        )

    def _told(self, tx: Transaction, inbound: Inbound, name: str, argument: str) -> Reply:
        if name == "dead":
            return _dead(tx)
        is_status = name == "status"
        return Reply(self._status(tx, inbound) if is_status else self._workspaces.run(tx, inbound, argument))

    def _of_others(self, tx: Transaction, inbound: Inbound, name: str, argument: str, about: str) -> Reply:
        if name in audience.COMMANDS:
            return Reply(self._audience.run(tx, inbound, name, argument, about))
        said = self._batches.run(tx, inbound, name, argument)
        return Reply(said.text, said.buttons, said.session_id)

    def _sessions(self, tx: Transaction, inbound: Inbound) -> Reply:
        there, count = rights.first_reached(tx, inbound.person, MAX_LISTED)
        if not there:
            return Reply(answers.NO_SESSIONS_YET)
        # Ids come in several spellings; what was chosen under one is the session of the other.
        chosen = bare_id(chats.chosen_session(tx, inbound.chat))
        lines = [self._line(tx, inbound, session, chosen) for session in there]
        if count > len(there):
            lines.append(answers.AND_MORE.format(count=count - len(there)))
        return Reply("\n".join([*lines, answers.SESSIONS_HINT]), router_buttons.session_buttons(Verb.USE, there))

    def _line(self, tx: Transaction, inbound: Inbound, session: Session, chosen: str) -> str:
        mark = "▶️" if bare_id(session.session_id) == chosen else "•"
        doing = self._deferrals.doing(tx, inbound.chat, session, connected=self._hub.connected(session.machine_id))
        return answers.SESSION_LINE.format(mark=mark, name=session.name, machine=session.machine_id, doing=doing)

    def _use(self, tx: Transaction, inbound: Inbound, wanted: str) -> Reply:
        there, _ = rights.first_reached(tx, inbound.person, router_buttons.MAX_OFFERED)
        if not there:
            return Reply(answers.NO_SESSIONS_YET)
        if not wanted:
            return Reply(answers.WHICH_SESSION, router_buttons.session_buttons(Verb.USE, there))
        found = matching(rights.reached(inbound.person, sessions.living_ones(tx)), wanted)
        if not found:
            return Reply(answers.NO_SUCH_SESSION.format(wanted=wanted))
        # Never the first that fits: a text in the wrong session cannot be taken back.
        if len(found) > 1:
            fit = {session.session_id for session in found}
            # In order, and with what tells them apart.
            found = [session for session in sessions.page(tx) if session.session_id in fit]
            names = ", ".join(f"{s.name} ({s.session_id})" for s in found[:MAX_LISTED])
            return Reply(answers.SEVERAL_FIT.format(names=names), router_buttons.session_buttons(Verb.USE, found))
        chats.choose_session(tx, inbound.chat, found[0].session_id)
        return Reply(answers.CHOSEN.format(name=found[0].name, machine=found[0].machine_id))

    def _status(self, tx: Transaction, inbound: Inbound) -> str:
        chat = inbound.chat
        chosen = sessions.find(tx, chats.chosen_session(tx, chat))
        there, waiting, on = _there(tx, inbound.person)
        gone = sorted(machine_id for machine_id in on if not self._hub.connected(machine_id))
        more = [answers.AND_MORE.format(count=len(gone) - MAX_LISTED)] if len(gone) > MAX_LISTED else []
        away = ", ".join(gone[:MAX_LISTED] + more)
        lines = [
            answers.STATUS_CHOSEN.format(name=chosen.name, machine=chosen.machine_id)
            if chosen
            else answers.STATUS_NOT_CHOSEN,
            answers.STATUS_COUNTS.format(
                sessions=answers.counted(there, "sessions"), commands=answers.counted(waiting, "commands")
            )
            + (answers.STATUS_AWAY.format(machines=away) if away else ""),
        ]
        is_limited = inbound.person is not None and inbound.person.is_limited
        if dead := 0 if is_limited else len(commands.dead_letters(tx, 100)):
            lines.append(answers.STATUS_DEAD.format(letters=answers.counted(dead, "letters")))
        if quiet := chats.settings(tx, chat).quiet:
            lines.append(answers.STATUS_QUIET.format(quiet=quiet))
        return "\n".join(lines)

    def _cancel(self, tx: Transaction, chat: ChatRef, about: str) -> str:
        session = sessions.get(tx, about)
        live = commands.live_of_session(tx, session.machine_id, session.session_id)
        # The oldest first of what waits, so that its line is the last to change. Else the newest first; with the start
        # of a session, what waits behind it would be given up.
        waiting = [command for command in live if _only_waits(command)]
        rest = [command for command in reversed(live) if not _only_waits(command)]
        after = [self._delivery.cancel(tx, command.command_id, chat.transport) for command in (*waiting, *rest)]
        asked = [command for command in after if command.state.live]
        taken = len(after) - len(asked)
        told = [
            answers.TOOK_BACK.format(commands=answers.counted(taken, "commands")) if taken else "",
            answers.ASKED_BACK.format(machine=asked[0].machine_id, count=len(asked)) if asked else "",
        ]
        return " ".join(filter(None, told)) or answers.NOTHING_WAITS_FOR.format(name=session.name)


def _there(tx: Transaction, person: Person | None) -> tuple[int, int, set[str]]:
    """How many sessions they may know of, how many commands wait for those, and the machines that they are on."""
    if person is None or not person.is_limited:
        return sessions.count_living(tx), commands.count_queued(tx), sessions.machines_of_living(tx)
    there = rights.reached(person, sessions.page(tx))
    waiting = sum(len(commands.queued_of_session(tx, session.session_id)) for session in there)
    return len(there), waiting, {session.machine_id for session in there}


def _only_waits(command: Command) -> bool:
    return command.state is CommandState.QUEUED and not isinstance(command.action, StartSession)


def _dead(tx: Transaction) -> Reply:
    letters = commands.dead_letters(tx, MAX_LISTED)
    if not letters:
        return Reply(answers.NO_DEAD_LETTERS)
    text = answers.counted(len(letters), "letters_below")
    if len(letters) > MAX_SHOWN:
        text = answers.MORE_DEAD_LETTERS.format(count=len(letters), shown=MAX_SHOWN)
    return Reply(text, letters=tuple(letters[:MAX_SHOWN]))


def _key(session: Session, name: str) -> Reply | Press:
    if name in KEYS:
        return Press(session.session_id, KeyPress(name))
    return Reply(answers.which_key(session), router_buttons.key_buttons(KEYPAD), session.session_id)


def _control(session: Session, kind: ControlKind, value: str) -> Reply | Press:
    if value or kind not in (ControlKind.MODE, ControlKind.MODEL):
        return Press(session.session_id, checked(kind, value))
    if kind is ControlKind.MODE:
        buttons = router_buttons.control_buttons(Verb.MODE, session.modes, wording.MODE_LABELS)
        return Reply(wording.mode(session), buttons, session.session_id)
    is_claude_code = ControlKind.COMPACT.value in session.controls
    buttons = router_buttons.control_buttons(Verb.MODEL, wording.MODELS if is_claude_code else (), {})
    return Reply(wording.model(session), buttons, session.session_id)
