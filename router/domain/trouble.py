"""Messages that fail although the platform answers others: what waits for them, and when they are set aside. Pure.

A platform that answers nobody is waited for: the whole chat rests, and nothing is given up before its time. Where it
answers others, a message that fails waits by itself:

- A change of what stands there already (an edit, buttons taken away) holds up nothing: it is tried again when nothing
  else can go, and given up after a few tries.
- A question holds up nothing; everybody else of its kind waits behind a message in its chat, so that order holds.
- Once a message has had a fair chance, the next of its kind may pass it. The first that passes and is taken proves that
  it was about the other alone: brought later, that one would be out of order, so it is set aside.
- One that had its chance is also set aside when it fails again and the platform has taken others meanwhile; and, where
  nothing but the courier's word says that the platform answers, after many tries.
- After a failure, what has not failed yet goes first, once: two calls that hang do not follow each other.
"""

from msgspec import Struct

from router.domain.backoff import backoff
from router.domain.notification import Kind, Notification

CHANGE_TRIES = 3
FAIR_TRIES, FAIR_TIME = 2, 5.0  # tries and seconds after the first failure; each of the two
MANY_TRIES = 12  # half an hour, with the waits between them
MOST_PASSED = 3  # of one kind in a chat: where more fail, it is hardly about each of them
_WAITED_FOR = 4.0  # seconds between tries, at most, while others wait behind it


class Trouble(Struct, frozen=True):
    """A message that failed. `since`: when it failed first although others were answered, in monotonic seconds;
    `taken`: how many messages its platform had taken when it failed first.
    """

    notification: Notification
    since: float
    taken: int
    failures: int = 0  # although others were answered

    @property
    def is_change(self) -> bool:
        return bool(self.notification.edits)

    @property
    def holds_up(self) -> bool:
        """Whether others of its kind wait behind it in its chat."""
        return not self.is_change and self.notification.kind is not Kind.QUESTION

    def had_its_chance(self, now: float) -> bool:
        return self.failures >= FAIR_TRIES and now - self.since >= FAIR_TIME

    def is_over(self, now: float, taken: int) -> bool:
        """Whether it is set aside, right after a failure; `taken` so far by its platform."""
        if self.is_change:
            return self.failures >= CHANGE_TRIES
        return self.failures >= MANY_TRIES or (taken > self.taken and self.had_its_chance(now))

    def wait(self, now: float, jitter: float) -> float:
        """Seconds to its next try."""
        wait = backoff(self.failures, jitter)
        return min(wait, _WAITED_FOR) if self.holds_up and not self.had_its_chance(now) else wait
