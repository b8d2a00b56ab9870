"""What really happened, written down by the world and not by the programs: the checks compare the two."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Wish:
    """Something a person or a program wants typed, once. `text` names it."""

    key: str  # update key or request id
    session_id: str
    text: str
    from_chat: bool
    at: float
    ttl: float | None = None  # seconds
    command_id: str = ""  # once it was acknowledged
    answered: bool = False
    refused: bool = False  # the answer was no


@dataclass(frozen=True, slots=True)
class Typed:
    """The first byte of a text reached a terminal."""

    at: float
    session_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """A chat platform took a message."""

    notification_id: str
    command_id: str
    state: str  # of the command; empty for what is no receipt
    others: int = 0  # commands behind it whose ends it tells, too, as it says itself
    is_edit: bool = False  # of a message that was there before


@dataclass(slots=True)
class Record:
    """The independent record of one run."""

    wishes: dict[str, Wish] = field(default_factory=dict)  # by text
    redriven: dict[str, int] = field(default_factory=dict)  # how often a text was asked for again
    keys: dict[str, int] = field(default_factory=dict)  # urgent keys pressed, by session
    typed: list[Typed] = field(default_factory=list)
    typing: dict[str, str] = field(default_factory=dict)  # text in a terminal now -> machine
    messages: list[Message] = field(default_factory=list)
    notices: dict[str, str] = field(default_factory=dict)  # acknowledged notification -> machine
    doubtful: set[str] = field(default_factory=set)  # texts that a crash caught between start and finish
    lost_inboxes: set[str] = field(default_factory=set)  # machines
    half_greeted: set[str] = field(default_factory=set)  # machines whose agent died before it stored a welcome
    broken: list[str] = field(default_factory=list)  # invariants
    history: list[str] = field(default_factory=list)
    happened: dict[str, int] = field(default_factory=dict)  # how often what
    endings: dict[str, int] = field(default_factory=dict)  # commands by final state
    lasted: float = 0.0  # virtual seconds
