"""What a chat is told each morning, where somebody wants that: its sessions, and what waits for people."""

from collections.abc import Callable

from router.clock import Clock
from router.domain.audience import place
from router.domain.command import ChatRef
from router.domain.schedule import zone_of
from router.domain.session import Session, SessionState
from router.domain.wording import answers
from router.domain.wording import summary as wording
from router.services.people.audience import hearers
from router.store import chats, commands, permissions, sessions
from router.store.database import Transaction

DAY = 24 * 3600.0
MOST_LETTERS = 100  # looked at


def text(tx: Transaction, chat: ChatRef, zone: str, connected: Callable[[str], bool], clock: Clock) -> str:
    """Of the sessions that this chat hears of."""
    here, now, wall = place(chats.current(tx, chat)), clock.now(), clock.wall()
    heard = [each for each in sessions.everyone(tx) if _concerns(each, now) and here in map(place, hearers(tx, each))]
    living = sorted((each for each in heard if each.state is not SessionState.ENDED), key=lambda each: each.created_at)
    lines = []
    for each in living[: wording.MOST_SESSIONS]:
        there = connected(each.machine_id)
        doing = answers.doing(each, connected=there, wall=wall, zone=zone_of(zone))
        lines.append(wording.LINE.format(name=each.name, machine=each.machine_id, doing=doing))
    ids = {each.session_id for each in heard}
    asked = sum(len(permissions.open_of_session(tx, session_id)) for session_id in ids)
    letters = sum(each.session_id in ids for each in commands.dead_letters(tx, MOST_LETTERS))
    ended = [each.name for each in heard if each.state is SessionState.ENDED]
    return wording.summary(lines, len(living), ended, asked, letters)


def _concerns(session: Session, now: float) -> bool:
    return session.state is not SessionState.ENDED or session.updated_at >= now - DAY
