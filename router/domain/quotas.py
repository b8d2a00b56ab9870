"""How much one machine, or one API key, may have here at once; what is beyond is refused with its own reason."""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from itertools import groupby

from msgspec import Struct

from router.domain.errors import Reason, Refusal
from router.domain.identity import Identity, IdentityKind

MIB = 1024 * 1024
NEAR = 0.8  # of a quota: whoever has so much is told of
MOST_TOLD = 100


class Quota(Enum):
    """What there may be only so much of."""

    SESSIONS = "sessions"
    MESSAGES = "messages"
    QUESTIONS = "questions"
    FILES = "files"
    ALL_FILES = "all files"


class QuotaUse(Struct, frozen=True):
    """How much of a quota somebody has; `who` as in `Identity.sender`, empty for everybody."""

    quota: Quota
    who: str
    used: int
    limit: int

    @property
    def share(self) -> float:
        """1.0 is all of it."""
        return self.used / self.limit


class Quotas(Struct, frozen=True):
    """What the settings allow. Bytes are of files that no message and no command names yet."""

    sessions: int = 1_000  # of a machine, that live
    messages: int = 2_000  # of a machine or a key, that wait for people; one for each chat
    questions: int = 200  # of a machine, that are open
    machine_bytes: int = 48 * MIB  # one of the largest files that chats take
    all_bytes: int = 512 * MIB

    def of(self, who: Identity) -> int:
        """Bytes that somebody's files may have."""
        # Through the adapter's key come the files of all people.
        return self.machine_bytes if who.kind is IdentityKind.MACHINE else self.all_bytes // 2

    def check_bytes(self, who: Identity, held: int, all_held: int) -> None:
        """Raises Refusal where somebody's files, or everybody's, are more than may wait."""
        if held > self.of(who):
            text = f"Files of {self.of(who) // MIB} MiB of this sender wait for a message that names them; name some."
        elif all_held > self.all_bytes:
            text = f"Files of {self.all_bytes // MIB} MiB wait here for messages that name them. Try again later."
        else:
            return
        raise Refusal(Reason.QUOTA_FILES, text, retry_after=60.0)

    def check_sessions(self, machine_id: str, live: int) -> None:
        """Raises Refusal where a machine has as many sessions as it may."""
        if live >= self.sessions:
            text = f"Machine {machine_id} has {live} sessions that live. End some, or set POINTSMAN_MACHINE_SESSIONS."
            raise Refusal(Reason.QUOTA_SESSIONS, text)

    def check_messages(self, waiting: int) -> None:
        """Raises Refusal where as many messages wait for people as may."""
        if waiting >= self.messages:
            text = f"{waiting} messages of this sender wait for people. Look whether the adapter runs, or send less."
            raise Refusal(Reason.QUOTA_MESSAGES, text, retry_after=60.0)

    def check_questions(self, open_ones: int) -> None:
        """Raises Refusal where as many questions are open as may."""
        if open_ones >= self.questions:
            text = f"{open_ones} questions of this machine are open. Answer some; until then it is asked there alone."
            raise Refusal(Reason.QUOTA_MESSAGES, text, retry_after=60.0)

    def uses(self, counts: Mapping[Quota, Mapping[str, int]]) -> Iterator[QuotaUse]:
        """Who has how much of what they may, of what was counted for each."""
        for quota, of_each in counts.items():
            for who, used in of_each.items():
                yield QuotaUse(quota, who, used, self._limit(quota, who))

    def _limit(self, quota: Quota, who: str) -> int:
        match quota:
            case Quota.SESSIONS:
                return self.sessions
            case Quota.MESSAGES:
                return self.messages
            case Quota.QUESTIONS:
                return self.questions
            case Quota.FILES:
                kind, _, identity = who.partition(" ")
                return self.of(Identity(IdentityKind(kind), identity))
            case Quota.ALL_FILES:
                return self.all_bytes


def worth_telling(uses: Iterable[QuotaUse]) -> list[QuotaUse]:
    """Of each quota whoever has most of it, and all who are near; the fullest first."""
    fullest = sorted(uses, key=lambda use: (use.quota.value, -use.share))
    told = [
        use
        for _, group in groupby(fullest, key=lambda use: use.quota)
        for at, use in enumerate(group)
        if at == 0 or use.share >= NEAR
    ]
    return sorted(told, key=lambda use: -use.share)[:MOST_TOLD]


USUAL = Quotas()
