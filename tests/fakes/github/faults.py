"""What can go wrong on demand with a call, or with the delivery of a webhook."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

FOR_EVER = 1_000_000  # times


class FaultKind(Enum):
    """What happens to a call."""

    CUT_BEFORE = "cut_before"  # the connection breaks; nothing is stored
    CUT_AFTER = "cut_after"  # the connection breaks, and it was stored
    PAGE = "page"  # 502 with a page of HTML
    PAGE_AFTER = "page_after"  # the same, and it was stored
    HANG = "hang"  # no answer until it is healed; nothing is stored
    SLOW = "slow"  # carried out, and the answer's body comes in bits
    REFUSE = "refuse"  # answered with `status` and `message`
    TELL = "tell"  # carried out; `told` hears of it before, and before it is answered


@dataclass(slots=True)
class Fault:
    """One that waits for its calls: `method` and `path`, a pattern of all of it."""

    kind: FaultKind
    method: str = ""
    path: str = ".*"
    times: int = 1
    status: int = 500
    message: str = "Server Error"
    headers: dict[str, str] = field(default_factory=dict)
    told: Callable[[bool], None] = lambda _is_done: None
    struck: int = 0

    def fits(self, method: str, path: str) -> bool:
        return self.struck < self.times and self.method in ("", method) and bool(re.fullmatch(self.path, path))


class FaultScript:
    """Faults in the order in which they were asked for."""

    def __init__(self) -> None:
        self.changed = threading.Condition()  # guards the two below
        self._faults: list[Fault] = []
        self.hanging = 0

    def add(self, fault: Fault) -> Fault:
        with self.changed:
            self._faults.append(fault)
        return fault

    def strike(self, method: str, path: str) -> Fault | None:
        with self.changed:
            found = next((each for each in self._faults if each.fits(method, path)), None)
            if found:
                found.struck += 1
                self.changed.notify_all()
            return found

    def wait_until_struck(self, fault: Fault, seconds: float = 30.0) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: fault.struck > 0, seconds)

    def hang(self, fault: Fault) -> None:
        """Until it is healed."""
        with self.changed:
            self.changed.wait_for(lambda: fault not in self._faults, 3600)

    def heal(self) -> None:
        with self.changed:
            self._faults.clear()
            self.changed.notify_all()
