"""What goes wrong in a soak: refusals, lost answers, updates that come twice, couriers killed. A seed decides when."""

import random
import threading
from collections.abc import Callable

from tests.fakes.telegram_faults import Fault, FaultKind, ScriptedFault, WebhookFault, too_many_requests
from tests.faults.chat import Chat

REFUSED = Fault(FaultKind.REFUSE, 500, "Internal Server Error")
LOST_ANSWER = Fault(FaultKind.RESET_AFTER)
REPEATED = (WebhookFault.AGAIN, WebhookFault.TOGETHER, WebhookFault.DROP)
LATEST = 0.7  # of the calls to come: behind that, all that is left might be receipts


class Trouble:
    """Strikes while a block runs. `kills` are the stand-in's times at which the courier was dead."""

    def __init__(self, chat: Chat, rng: random.Random, calls: int, *, each: int, kills: int) -> None:
        """`calls` are to be expected; so many faults of each kind, and so many kills."""
        self._chat = chat
        self._rng = rng
        self._ended = threading.Event()
        self._asked: dict[str, list[ScriptedFault]] = {}
        self._before = len(self._chat.telegram.calls())
        self._repeats = 0
        self.kills: list[float] = []
        kinds: dict[str, Callable[[], None]] = {
            "429": self._too_many,
            "429 in three chats": self._too_many_everywhere,
            "500": lambda: self._script("500", self._method(), REFUSED),
            "reset after stored": lambda: self._script("reset after stored", "sendMessage", LOST_ANSWER),
        }
        strokes = [stroke for stroke in (*kinds.values(), self._repeat) for _ in range(each)] + [self._kill] * kills
        moments = sorted(rng.randrange(1, int(calls * LATEST)) for _ in strokes)
        rng.shuffle(strokes)
        self._plan = list(zip(moments, strokes, strict=True))
        self._asked = {name: [] for name in kinds} if each else {}
        self._thread = threading.Thread(target=self._strike, name="trouble")

    @property
    def struck(self) -> dict[str, int]:
        """How often each kind came about; 0 where one of those asked for did not."""
        counted = {
            name: sum(each.struck for each in asked) if all(each.struck == each.times for each in asked) else 0
            for name, asked in self._asked.items()
        }
        if self._asked:
            counted["update delivered again"] = 0 if self._chat.telegram.webhook_faults_waiting else self._repeats
        planned = sum(stroke == self._kill for _, stroke in self._plan)
        return counted | ({"courier killed": len(self.kills) if len(self.kills) == planned else 0} if planned else {})

    @property
    def refusals(self) -> int:
        """How many calls it had answered with 429."""
        return sum(each.struck for name, asked in self._asked.items() if name.startswith("429") for each in asked)

    def __enter__(self) -> "Trouble":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with self._chat.telegram.world.changed:
            self._chat.telegram.world.changed.notify_all()
        self._thread.join()

    def _strike(self) -> None:
        world = self._chat.telegram.world
        for moment, stroke in self._plan:
            world.wait_until(lambda m=moment: self._ended.is_set() or len(world.calls) - self._before >= m, 3600)  # type: ignore[misc]
            if self._ended.is_set():
                return
            stroke()

    def _script(self, name: str, method: str, fault: Fault, times: int = 1) -> None:
        self._asked[name].append(self._chat.telegram.fail(method, fault, times=times))

    def _method(self) -> str:
        return self._rng.choice(("sendMessage", "setMessageReaction"))

    def _too_many(self) -> None:
        self._script("429", self._method(), too_many_requests(self._rng.randint(1, 5)))

    def _too_many_everywhere(self) -> None:
        """A chat that was refused waits: so the next three calls are of three chats."""
        self._script("429 in three chats", "setMessageReaction", too_many_requests(3), times=3)

    def _repeat(self) -> None:
        self._repeats += 1
        self._chat.telegram.fail_webhook(self._rng.choice(REPEATED))

    def _kill(self) -> None:
        self._chat.courier.kill()
        self.kills.append(self._chat.telegram.world.clock.now())
        self._chat.courier.start("", 0)
