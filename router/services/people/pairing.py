"""Persons let in by a code, and put out.

The code is made on the machine and shown there, and the bot says nothing to strangers. The other way round, a bot that
hands out codes could be made to write to any crowd, and whoever confirms one trusts a name that a stranger chose.
"""

from collections import OrderedDict
from collections.abc import Callable

from router.clock import Clock
from router.domain.audit import AuditEvent
from router.domain.command import ChatRef
from router.domain.credentials import hashed
from router.domain.errors import Reason, Refusal
from router.domain.note import theirs, users
from router.domain.person import (
    CODE_BYTES,
    CODE_LIFETIME,
    PairedChat,
    PairingCode,
    Person,
    PersonRole,
    as_typed,
    checked_person,
    code_of,
    name_of,
)
from router.domain.routing import Inbound
from router.domain.wording import people as wording
from router.services.outbox.status_messages import StatusMessages
from router.services.people.audience import hearers
from router.store import audit, notes, pairing_codes, people
from router.store.database import Transaction

TRIES, WINDOW = 5, 600.0  # wrong codes of one user, and seconds for which they count
_REMEMBERED = 1024  # users; bounds memory, and a code has 60 bits anyway
_NO_SUCH_CODE = "This code is unknown, over or used. `pointsman pair` makes a new one."
_TOO_MANY = "Too many wrong codes. Wait ten minutes."
_NAMELESS = "somebody"


class Pairing:
    """Each call is one step inside one transaction, on the writer's thread."""

    def __init__(
        self,
        status_messages: StatusMessages,
        clock: Clock,
        new_id: Callable[[], str],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._status_messages = status_messages
        self._clock = clock
        self._new_id = new_id
        self._random_bytes = random_bytes
        self._wrong: OrderedDict[tuple[str, str], list[float]] = OrderedDict()  # by platform and user, when

    def create_code(
        self, tx: Transaction, name: str, role: PersonRole, machines: tuple[str, ...], sessions: tuple[str, ...]
    ) -> tuple[str, float]:
        """A code, and when it is over. Raises Refusal."""
        checked_person(name, machines, sessions)
        code, expires_at = code_of(self._random_bytes(CODE_BYTES)), self._clock.now() + CODE_LIFETIME
        code_hash = hashed(as_typed(code))
        pairing_codes.insert(tx, PairingCode(code_hash, name, role, machines, sessions, expires_at))
        self._note(tx, AuditEvent.CODE_CREATED, name, role.value)
        return code, expires_at

    def pair(self, tx: Transaction, chat: ChatRef, user_id: str, user_name: str, code: str) -> Person:
        """Let a user write in a chat; the same user there again is let in already. Raises Refusal."""
        known = people.paired(tx, chat, user_id)
        if known and (already := people.find(tx, known.person_id)):
            return already
        self._check_tries(chat.transport, user_id)
        try:
            person = self.person_of(tx, code, user_name)
        except Refusal:
            self._count(chat.transport, user_id)
            raise
        people.insert_chat(tx, PairedChat(chat, user_id, person.person_id, self._clock.now()))
        where = wording.IN_A_CHAT.format(transport=chat.transport, user_id=user_id, chat_id=chat.chat_id)
        self._status_messages.answer(tx, chat, wording.WELCOME.format(name=person.name, may=wording.MAY[person.role]))
        self.tell(tx, person, where, chat)
        self._note(tx, AuditEvent.PAIRED, person.person_id, f"{person.name}: {where}")
        return person

    def join(self, tx: Transaction, inbound: Inbound, code: str) -> Person:
        """Let who writes in this chat be the person of a code from now on. Raises Refusal, having changed nothing."""
        chat, user_id = ChatRef(inbound.chat.transport, inbound.chat.chat_id), inbound.user_id
        if not user_id:
            raise Refusal(Reason.ILLEGAL_STATE, wording.NOT_HERE)
        self._check_tries(chat.transport, user_id)
        try:
            person = self.person_of(tx, code, "")
        except Refusal:
            self._count(chat.transport, user_id)
            raise
        if (known := people.paired(tx, chat, user_id)) is None:
            people.insert_chat(tx, PairedChat(chat, user_id, person.person_id, self._clock.now()))
            notes.rename_place(tx, users(chat.transport, user_id), theirs(person.person_id))
        else:
            people.give_chat(tx, known, person.person_id)
        where = wording.IN_A_CHAT.format(transport=chat.transport, user_id=user_id, chat_id=chat.chat_id)
        self._note(tx, AuditEvent.JOINED, person.person_id, f"{person.name}: {where}")
        return person

    def person_of(self, tx: Transaction, code: str, called: str, *, in_a_browser: bool = False) -> Person:
        """Use a code up; the person that it names, or makes. Raises Refusal, having written nothing."""
        now, code_hash = self._clock.now(), hashed(as_typed(code))
        # By its hash: how long the look takes tells nothing of a code.
        found = pairing_codes.find(tx, code_hash)
        if found is None or found.expires_at <= now:
            raise Refusal(Reason.PAIRING_CODE_INVALID, _NO_SUCH_CODE)
        known = people.by_name(tx, found.name) if found.name else None
        person = known or Person(
            f"person_{self._new_id()}", found.name or _free_name(tx, called), found.role, found.machines,
            found.sessions, now,
        )  # fmt: skip
        if in_a_browser and person.is_limited:
            text = "This code is for some sessions only, and the console shows all: write it to the bot."
            raise Refusal(Reason.ILLEGAL_STATE, text)
        pairing_codes.use_up(tx, code_hash)
        if known is None:
            people.insert(tx, person)
        return person

    def tell(self, tx: Transaction, person: Person, where: str, but: ChatRef | None = None) -> None:
        """Let everybody know who sees everything: whoever came with a stolen code does not come in unseen."""
        text = wording.LET_IN.format(name=person.name, where=where, may=wording.MAY[person.role])
        for chat in hearers(tx, None):
            if chat != but:
                self._status_messages.answer(tx, chat, text)

    def _check_tries(self, transport: str, user_id: str) -> None:
        now = self._clock.now()
        recent = [at for at in self._wrong.get((transport, user_id), []) if abs(now - at) < WINDOW]
        if len(recent) >= TRIES:
            raise Refusal(Reason.BUSY, _TOO_MANY, retry_after=WINDOW)

    def _count(self, transport: str, user_id: str) -> None:
        key = (transport, user_id)
        self._wrong[key] = [*self._wrong.pop(key, []), self._clock.now()][-TRIES:]
        while len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)

    def _note(self, tx: Transaction, event: AuditEvent, subject: str, detail: str) -> None:
        audit.record(tx, self._clock.now(), event, tx.caller, subject=subject, detail=detail)


def _free_name(tx: Transaction, called: str) -> str:
    """What somebody calls themselves, unless somebody is called so: nobody takes another's name."""
    wanted = name_of(called) or _NAMELESS
    names = {person.name.casefold() for person in people.page(tx)}
    tried = (wanted, *(f"{wanted} {number}" for number in range(2, len(names) + 3)))
    return next(name for name in tried if name.casefold() not in names)
