"""Workspaces whose agent is killed at points of their life: made, archived, put back, swept.

Judged on the disk, in the journal of what was typed, and by what the router says: nothing is gone that was nowhere
else, an archive is whole or is none, each start and each sweep is done once, and the row says what is there.
"""

import random
from collections.abc import Callable, Sequence

from agentlink.v1 import types_pb2 as types

from tests.faults.table import Row
from tests.faults.workspace_stage import LONG, Stage
from tests.rigs.dying_workspaces import POINTS
from tests.rigs.workspace_work import leave_work, missing, missing_in, missing_packed
from tests.waiting import wait_until

_TOLD = ("finish-written", "finish-committed", "acknowledge-written")
_START = ("begin-written", "begin-committed", "typing", "typed")
DEATHS: dict[str, Sequence[str]] = {
    "enter": (*POINTS["enter"], "store-committed", *_START, *_TOLD),
    "archive": (*POINTS["archive"], "store-committed", *_TOLD),
    "restore": (*POINTS["restore"], *_START, *_TOLD),
    "sweep": (*POINTS["remove"], *_TOLD),
    "sweep with work": (*POINTS["archive"], *_TOLD),
}
"""What is done, and where the agent dies while it does it."""


def play(stage: Stage, deed: str, point: str) -> tuple[bool, list[str]]:
    """One life with one death in it: whether it came, and what was not kept."""
    key = stage.new()
    if deed == "enter":
        stage.forget_mirrors()
    else:
        _prepared(stage, key, has_work=deed != "sweep")
    if deed == "restore":
        stage.ends(stage.archive(key))
    if deed.startswith("sweep"):
        stage.is_over(key)
    stage.again(point)
    command = _DEEDS[deed](stage, key)
    fired = stage.dies()
    problems = _kept(stage, key) if deed not in ("enter", "sweep") else []
    stage.again()
    ended = stage.ends(command)
    problems += _kept(stage, key) if deed not in ("enter", "sweep") else []
    problems += _JUDGES[deed](stage, key, ended)
    problems += [f"left behind: {each}" for each in stage.leftovers(key)]
    return fired, [f"{deed}, death at {point}: {each}" for each in problems]


def _prepared(stage: Stage, key: str, *, has_work: bool) -> None:
    stage.ends(stage.start(key))
    if has_work:
        leave_work(stage.home(key) / "tree")
    stage.leaves(key)


def _swept(stage: Stage, key: str) -> types.Command:
    found = wait_until(lambda: stage.sweep(key), LONG)
    assert found is not None
    return found


_DEEDS: dict[str, Callable[[Stage, str], types.Command]] = {
    "enter": Stage.start, "archive": Stage.archive, "restore": Stage.start, "sweep": _swept, "sweep with work": _swept,
}  # fmt: skip


def _kept(stage: Stage, key: str) -> list[str]:
    """What of the work is gone, and whether what lies there as its archive is one."""
    home, packed = stage.home(key), stage.packed(key)
    found = [f"lost: {each}" for each in missing(home, packed)]
    if packed.exists() and not home.exists():
        found += [f"its archive has no {each}" for each in missing_packed(packed)]
    return found


def _began(stage: Stage, key: str, ended: types.Command) -> list[str]:
    """It was begun once, or one cannot know how often: then no more than that."""
    found, typed = [], stage.typed(ended)
    is_in_doubt = ended.state == types.COMMAND_STATE_UNCERTAIN
    if not (is_in_doubt or ended.state == types.COMMAND_STATE_DONE):
        found.append(f"the start ended as {types.CommandState.Name(ended.state)}: {ended.detail}")
    if typed > 1 or (typed == 0 and not is_in_doubt):
        found.append(f"its text was typed {typed} times")
    if (sessions := stage.sessions_in(key)) != 1:
        found.append(f"{sessions} sessions live in it")
    return found + _row(stage, key, types.WORKSPACE_STATE_IN_USE)


def _came_back(stage: Stage, key: str, ended: types.Command) -> list[str]:
    found = _began(stage, key, ended) + [f"not put back: {each}" for each in missing_in(stage.home(key))]
    return [*found, "its archive is there still"] if stage.packed(key).exists() else found


def _archived(stage: Stage, key: str, ended: types.Command) -> list[str]:
    found = [f"its archive has no {each}" for each in missing_packed(stage.packed(key))]
    found += [] if "archived in" in ended.detail else [f"it ended with {ended.detail}"]
    return found + _row(stage, key, types.WORKSPACE_STATE_ARCHIVED)


def _swept_once(stage: Stage, key: str, ended: types.Command) -> list[str]:
    """And whoever looks again has nothing to do."""
    stage.sweep(key)
    found = [] if ended.state == types.COMMAND_STATE_DONE else [f"the sweep failed: {ended.detail}"]
    return found if (times := len(stage.sweeps(key))) == 1 else [*found, f"it was swept {times} times"]


def _removed(stage: Stage, key: str, ended: types.Command) -> list[str]:
    found = ["its archive is there"] if stage.packed(key).exists() else []
    return found + _row(stage, key, types.WORKSPACE_STATE_GONE) + _swept_once(stage, key, ended)


def _swept_into_archive(stage: Stage, key: str, ended: types.Command) -> list[str]:
    return _archived(stage, key, ended) + _swept_once(stage, key, ended)


_JUDGES: dict[str, Callable[[Stage, str, types.Command], list[str]]] = {
    "enter": _began, "archive": _archived, "restore": _came_back, "sweep": _removed,
    "sweep with work": _swept_into_archive,
}  # fmt: skip


def _row(stage: Stage, key: str, state: "types.WorkspaceState") -> list[str]:
    """The router's row, and what it says of the disk."""
    known, home, packed = stage.becomes(key, state), stage.home(key), stage.packed(key)
    there = {
        types.WORKSPACE_STATE_IN_USE: str(home / "tree"), types.WORKSPACE_STATE_ARCHIVED: str(packed),
        types.WORKSPACE_STATE_GONE: "",
    }[state]  # fmt: skip
    found = [] if known.state == state else [f"the row says {types.WorkspaceState.Name(known.state)}"]
    found += [] if known.path == there else [f"the row says it is at {known.path!r}"]
    return [*found, "its folder is there"] if not there.endswith("tree") and home.exists() else found


def deaths(one: Stage, deed: str, rng: random.Random, times: int, points: Sequence[str] = ()) -> Row:
    """So many deaths at each point of one deed."""
    left = [point for point in points or DEATHS[deed] for _ in range(times)]
    rng.shuffle(left)
    fired, problems = 0, list[str]()
    for point in left:
        came, broken = play(one, deed, point)
        fired += came
        problems += broken if came else [f"{deed} did not come to {point}"]
    return Row(f"workspace: kill -9 agent, {deed}", fired, failures=problems)
