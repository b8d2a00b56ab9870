"""The rows of the table: a figure, what it is compared with, and what is wanted of it."""

from dataclasses import dataclass
from enum import Enum


class Unit(Enum):
    """How a figure is written; it is kept in seconds, bytes, or as a count."""

    MS = (1000.0, "ms", 2)
    SECONDS = (1.0, "s", 2)
    RATE = (1.0, "/s", 0)
    KIB = (1 / 1024, "KiB", 1)
    MIB = (1 / 1024**2, "MiB", 1)
    SYNCS = (1.0, "syncs", 2)

    def written(self, value: float) -> str:
        factor, name, digits = self.value
        number = f"{value * factor:,.{digits}f}".replace(",", " ")
        return f"{number}{'' if name.startswith('/') else ' '}{name}"


@dataclass(frozen=True)
class Bound:
    """What is wanted."""

    most: float | None = None
    least: float | None = None

    def holds(self, value: float) -> bool:
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def __str__(self) -> str:
        return f"≤ {self.most:g}" if self.most is not None else f"≥ {self.least:g}"


@dataclass(frozen=True)
class Beside:
    """Times another figure of the same rounds."""

    figure: str  # PART.NAME
    words: str
    wanted: Bound | None = None


@dataclass(frozen=True)
class Row:
    words: str
    figure: str  # PART.NAME
    unit: Unit
    beside: tuple[Beside, ...] = ()
    wanted: Bound | None = None  # of the figure as it is kept

    @property
    def part(self) -> str:
        return self.figure.partition(".")[0]


def _than(peer: str, words: str, figure: str, **wanted: float) -> Beside:
    return Beside(f"{peer}.{figure}", words, Bound(**wanted) if wanted else None)


def _chain(figure: str, **wanted: float) -> tuple[Beside, ...]:
    return (_than("textbook", "textbook", figure), _than("worker", "the Worker", figure, **wanted))


def _router(figure: str, **wanted: float) -> tuple[Beside, ...]:
    others = [_than("postgres", "PostgreSQL", figure), _than("nats", "NATS", figure)]
    return (_than("redis", "Redis", figure, **wanted), *others)


def _of_peers(load: int) -> list[Row]:
    """What the comparisons are made with, in figures."""
    return _others(load, {"worker": "the Worker, durable", "textbook": "textbook"})


def _of_brokers(load: int) -> list[Row]:
    return _others(load, {"redis": "Redis Streams", "postgres": "PostgreSQL", "nats": "NATS JetStream"})


def _others(load: int, names: dict[str, str]) -> list[Row]:
    figure, unit = ("p50 at 1", Unit.MS) if load == 1 else (f"rate at {load}", Unit.RATE)
    return [Row(f"— {words}, {load} at once", f"{part}.{figure}", unit) for part, words in names.items()]


_FLOOR = _than("floor", "the floor", "sum", most=1.2)
_PYTHON = (_than("starts", "Python alone", "python"),)

SECTIONS: dict[str, list[Row]] = {
    "chain": [
        Row("floor: a Flask no-op, half a gRPC call, a commit, a push", "floor.sum", Unit.MS),
        Row("a sync of 4 KiB", "floor.sync", Unit.MS),
        Row("webhook → machine, one at a time, p50", "chain.p50 at 1", Unit.MS, (_FLOOR, *_chain("p50 at 1", most=1))),
        *_of_peers(1),
        Row("webhooks a second, 16 at once", "chain.rate at 16", Unit.RATE, _chain("rate at 16", least=3)),
        *_of_peers(16),
        Row("webhook → machine, 16 at once, p99", "chain.p99 at 16", Unit.MS, _chain("p99 at 16", most=0.333)),
        Row("webhooks a second, 64 at once", "chain.rate at 64", Unit.RATE, _chain("rate at 64", least=3)),
        *_of_peers(64),
        Row("webhook → machine, 64 at once, p99", "chain.p99 at 64", Unit.MS, _chain("p99 at 64")),
    ],
    "router": [
        Row("router alone → machine, one at a time, p50", "router.p50 at 1", Unit.MS, _router("p50 at 1")),
        *_of_brokers(1),
        Row("commands a second, 16 under way", "router.rate at 16", Unit.RATE, _router("rate at 16")),
        *_of_brokers(16),
        Row("commands a second, 64 under way", "router.rate at 64", Unit.RATE, _router("rate at 64", least=1)),
        *_of_brokers(64),
        Row("router → machine, 64 under way, p99", "router.p99 at 64", Unit.MS, _router("p99 at 64")),
        Row("the same handed in for a machine that is away", "away.rate", Unit.RATE),
        Row("— accepted, p50", "away.p50", Unit.MS),
        Row("10 000 queued commands onto a machine's disk", "drain.seconds", Unit.SECONDS, (), Bound(most=0.5)),
    ],
    "syncs": [
        Row("the router, for a command, one under way", "syncs.router at 1", Unit.SYNCS, (), Bound(most=1.1)),
        Row("its machine, one under way", "syncs.agent at 1", Unit.SYNCS, (), Bound(most=1.1)),
        Row("the router, for a command, 64 under way", "syncs.router at 64", Unit.SYNCS, (), Bound(most=0.1)),
        Row("its machine, 64 under way", "syncs.agent at 64", Unit.SYNCS, (), Bound(most=0.1)),
    ],
    "machines": [
        Row("router memory for each idle machine, of 2 000", "idle.few", Unit.KIB,
            (_than("idle", "a bare gRPC server's", "few bare"),)),
        Row("router memory for each idle machine, of 10 000", "idle.many", Unit.KIB,
            (_than("idle", "a bare gRPC server's", "many bare"),), Bound(most=45 * 1024)),
    ],
    "storm": [
        Row("5 000 machines back at a router that was killed", "storm.back", Unit.SECONDS,
            (_than("storm", "a bare gRPC server's", "bare", most=1.15),)),
        Row("a command from a chat meanwhile, p99", "storm.chat meanwhile", Unit.MS,
            (_than("storm", "its quiet p99", "chat quiet", most=20),)),
        Row("a command by a call meanwhile, p99", "storm.port meanwhile", Unit.MS,
            (_than("storm", "its quiet p99", "port quiet", most=20),)),
    ],
    "events": [
        Row("webhook → machine, one at a time, while 50 sessions are silent, p50", "chatty.quiet p50", Unit.MS),
        Row("— while each says 20 things a second, p50", "chatty.beside p50", Unit.MS,
            (_than("chatty", "its quiet p50", "quiet p50", most=1.1),)),
        Row("— and 50 who watch them read nothing, p50", "chatty.unread p50", Unit.MS,
            (_than("chatty", "its quiet p50", "quiet p50", most=1.1),)),
        Row("things a second that they said", "chatty.rate", Unit.RATE, (), Bound(least=950)),
        Row("the router's memory behind all that", "chatty.after", Unit.MIB,
            (_than("chatty", "its memory before", "before", most=1.5),)),
        Row("what it keeps of it on disk", "chatty.kept", Unit.MIB),
        Row("from a program's record to whoever watches, 50 such sessions, p50", "told.p50", Unit.SECONDS),
        Row("— p99", "told.p99", Unit.SECONDS, (), Bound(most=1.0)),
    ],
    "pages": [
        row for kind in ("tmux", "run", "nvim", "headless") for row in (
            Row(f"from Claude Code's record to the page, {kind}, p50", f"pages.{kind} p50", Unit.SECONDS),
            Row(f"— {kind}, p99", f"pages.{kind} p99", Unit.SECONDS, (), Bound(most=1.0)),
        )
    ],
    "commands": [
        Row("Python that does nothing", "starts.python", Unit.MS),
        Row("a hook of Claude Code where no agent runs", "starts.hook", Unit.MS, _PYTHON, Bound(most=0.03)),
        Row("`pointsman --help`", "starts.help", Unit.MS, _PYTHON, Bound(most=0.15)),
        Row("`pointsman sessions`, 20 of them", "starts.sessions", Unit.MS, _PYTHON, Bound(most=0.3)),
    ],
}  # fmt: skip
