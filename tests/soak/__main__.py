"""`make soak`: many notifications and replies through the whole product, within Telegram's limits. Prints a table.

Once in peace; once with refusals, broken connections and couriers killed. The programs are the real ones, between the
stand-in for Telegram, which applies the limits, and terminals that write down what they get. `--speed` makes the clocks
of the router, the agent, the courier and the stand-in run faster than ours, all alike. Exit code 1 when something was
lost, came again without a documented cause, was out of order, had no end, or exceeded a limit; or a fault did not come
about.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Sequence

from tests.soak.account import Account, Judgement
from tests.soak.run import Run, soak

HEADS = ("run", "notifications", "replies", "calls", "faults", "came again", "not as promised", "took")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    sys.stdout.write(f"seed {options.seed}, speed {options.speed:g}\n")
    size = (options.chats, options.count, options.speed, options.seed)
    runs = [Run("in peace", *size), Run("with faults", *size, each=options.faults, kills=options.kills)]
    rows, good = [], True
    for run in runs:
        began = time.monotonic()
        seen, judgement = soak(run)
        good = good and not judgement.broken
        rows.append(_row(run, seen, judgement, time.monotonic() - began))
    sys.stdout.write("\n" + "\n".join(_table([HEADS, ("---",) * len(HEADS), *rows])) + "\n")
    return 0 if good else 1


def _row(run: Run, seen: Account, judgement: Judgement, took: float) -> tuple[str, ...]:
    told, written = (sum(map(len, each.values())) for each in (seen.told, seen.written))
    broken = [f"{name}: {len(what)} ({', '.join(what[:3])})" for name, what in judgement.broken.items()]
    again = [f"{count} {cause}" for cause, count in judgement.again.items()]
    faults = [f"{struck} x {name}" for name, struck in seen.faults.items()]
    said = (told, written, len(seen.calls), *("; ".join(each) or "none" for each in (faults, again, broken)))
    return (f"{run.name}, {run.chats} chats", *map(str, said), f"{took:.0f} s")


def _table(rows: Iterable[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(cells) + " |" for cells in rows]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="replays the plan of another run")
    parser.add_argument("--speed", type=float, default=1.0, help="of the clocks")
    parser.add_argument("--chats", type=int, default=20)
    parser.add_argument("--count", type=int, default=2000, help="notifications, and as many replies, over all chats")
    parser.add_argument("--faults", type=int, default=10, help="of each kind")
    parser.add_argument("--kills", type=int, default=3, help="of the courier")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
