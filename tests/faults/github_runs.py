"""Mentions on GitHub and all that follows, while the programs that it goes through are killed at labelled points.

GitHub's stand-in, real git, the real Claude Code. Judged on the pages, in the bare repository and on the disk: each
comment, check and start happens once or is visibly in doubt, and nothing is gone that was nowhere else.
"""

import random
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import grpc
import psutil
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.fakes.github.faults import Fault, FaultKind
from tests.faults.github_stage import LONG, Run, Stage
from tests.faults.load import CALL, METADATA
from tests.faults.table import Row
from tests.rigs.upstream import git
from tests.waiting import NeverHappened, wait_until

IN_DOUBT = ("in the middle of", "❓", "Perhaps", "ended (", "Not done", "was stopped")
BAD = (types.COMMAND_STATE_FAILED, types.COMMAND_STATE_UNCERTAIN, types.COMMAND_STATE_EXPIRED, types.COMMAND_STATE_DEAD)

CASES: dict[str, tuple[str, ...]] = {
    "router": ("accept-written", "accept-committed", "receipt-committed", "result-written", "result-committed"),
    "agent": (
        *("store-written", "store-committed", "ask-written", "ask-committed", "finish-written"),
        *("git-upload-pack", "prompt", "git-receive-pack", "git-receive-pack-done"),
    ),
    "adapter": ("permission", "permission-done"),
    "courier": ("comment", "comment-done", "check", "check-done", "change-done"),
    "runner": ("prompt", "git-receive-pack", "git-receive-pack-done"),
}
"""What is killed, and where: at an operation of its database, or when GitHub or the model hears of it."""
_FAR = {
    "permission": ("GET", r".*/permission"), "comment": ("POST", r".*/comments"),
    "check": ("POST", r".*/check-runs"), "change": ("PATCH", r".*/check-runs/\d+"),
    "git-upload-pack": ("POST", r".*\.git/git-upload-pack"), "git-receive-pack": ("POST", r".*\.git/git-receive-pack"),
}  # fmt: skip


class Case:
    """A death of one of them at one point. Those of a database are in the program, the others at the far end."""

    def __init__(self, stage: Stage, victim: str, point: str) -> None:
        self._stage, self.victim, self.point = stage, victim, point
        self.fired = False

    def arm(self) -> None:
        """From now on whoever passes the point dies."""
        name = self.point.removesuffix("-done")
        if self.victim == "adapter":
            self._stage.http.kill()
            self._stage.http.start("", 0)  # what it was told of people it knows for five minutes
        if name == "prompt":
            self._stage.api.asked = self._fire
        elif name in _FAR:
            method, path = _FAR[name]
            self._stage.github.faults.add(Fault(FaultKind.TELL, method, path, told=self._told))
        elif self.victim == "router":
            self._stage.world.end_router()
            self._stage.world.start_router(point=self.point)
            self._stage.agent.again()  # else it would be dialled again after a minute, as after other deaths
        else:
            self._stage.agent.again(self.point)

    def disarm(self) -> None:
        self._stage.api.asked = None
        self._stage.github.faults.heal()

    def tend(self) -> None:
        """Whoever is dead lives again."""
        stage = self._stage
        if stage.world.router.dead(0):
            self.fired = self.fired or self.victim == "router"
            stage.world.end_router()
            stage.world.start_router()
        if stage.agent.is_dead():
            self.fired = self.fired or self.victim == "agent"
            stage.agent.again()
        for each in (stage.http, stage.courier):
            if each.is_dead():
                each.kill()
                each.start("", 0)

    def _told(self, is_done: bool) -> None:
        if is_done == self.point.endswith("-done"):
            self._fire()

    def _fire(self) -> None:
        """At the far end, in the thread that serves the call: it is answered once whoever asked is dead."""
        if self.fired:
            return
        self.fired = True
        stage = self._stage
        if self.victim == "runner":
            for each in stage.runner():
                with suppress(psutil.Error):
                    each.kill()
        else:
            {"agent": stage.agent, "adapter": stage.http, "courier": stage.courier}[self.victim].strike()


def play(stage: Stage, victim: str, point: str) -> tuple[bool, list[str], str]:
    """One run with one death in it: whether it came, what was not kept, and how it ended."""
    case = Case(stage, victim, point)
    case.arm()
    run = stage.begins()
    try:
        ended = wait_until(lambda: (case.tend(), _answer(stage, run), _ended(stage, run))[-1], LONG)
    except NeverHappened:
        ended = "nothing"
    finally:
        case.disarm()
    case.tend()
    problems = [f"{victim} at {point}: {each}" for each in _judged(stage, run, ended)]
    problems += [f"{victim} at {point}: {each}" for each in _kept(stage, run, case)]
    return case.fired, problems, ended


def _answer(stage: Stage, run: Run) -> None:
    """Ada allows what is asked, where it is asked, once for each question.

    She takes her time: whoever wrote it and died is followed by one who has to find out that it is there.
    """
    if _is_on_its_way(stage):
        return
    for each in stage.github.of(run.pull):
        # GitHub knows whole seconds, and nobody has read what came within the same one.
        is_read = stage.github.clock.now() >= int(each.created_at) + 1
        if "pm-options" in each.body and is_read and each.key not in run.answered:
            run.answered.add(each.key)
            stage.github.writes(run.pull, "@pointsman 1", stage.ada)


def _ended(stage: Stage, run: Run) -> str:
    """How it ended: done, in doubt, or not yet."""
    bodies = [each.body for each in stage.github.of(run.pull)]
    green = [each for each in stage.github.runs(_head(run)) if each.conclusion == "success"]
    if _is_on_its_way(stage):
        return ""
    if _pushes(stage, run) and green and any("tool said: pushed" in each for each in bodies):
        return "done"
    if any(word in body for body in bodies for word in IN_DOUBT) or _bad(stage, run):
        return "in doubt"
    return ""


def _judged(stage: Stage, run: Run, ended: str) -> list[str]:
    """What was not kept."""
    found = [] if ended in ("done", "in doubt") else [f"it came to no end: {_account(stage, run)}"]
    sessions = [each for each in _sessions(stage) if _chat(run) in [chat.chat_id for chat in each.home]]
    if len(sessions) != 1:
        found.append(f"{len(sessions)} sessions")
    given = sum(text.startswith(run.word) for text in stage.api.prompts)
    if given > 1 or (given == 0 and ended == "done"):
        found.append(f"the mention was given {given} times")
    if len(pushes := _pushes(stage, run)) > 1:
        found.append(f"pushed {len(pushes)} times")
    names = [(each.name, each.head_sha) for each in stage.github.runs() if each.external_id.endswith(_chat(run))]
    found += [f"two checks of one name: {each}" for each in set(names) if names.count(each) > 1]
    found += [each for each in stage.github.judge() if each not in stage.judged]
    stage.judged.update(found)
    return found


def _kept(stage: Stage, run: Run, case: Case) -> list[str]:
    """What was nowhere else is on the disk still, before somebody wants it removed, and after."""
    key = f"github:{stage.repository.id}#{run.pull.number}"
    known = next((each for each in _workspaces(stage) if each.workspace.key == key), None)
    if known is None or not (tree := Path(known.path)).is_dir() or not (tree / "notes.txt").exists():
        return [] if not _pushes(stage, run) else ["what was not pushed is not there"]
    stage.github.writes(run.pull, "@pointsman /end", stage.ada)
    with suppress(NeverHappened):
        wait_until(lambda: (case.tend(), _state(stage, key) == types.WORKSPACE_STATE_READY)[-1], LONG)
    _close(stage, key, archive=False)
    if not (tree / "notes.txt").exists():
        return ["removed although something in it was nowhere else"]
    _close(stage, key, archive=True, strikes=case.victim == "agent")
    with suppress(NeverHappened):
        wait_until(lambda: (case.tend(), _state(stage, key) == types.WORKSPACE_STATE_ARCHIVED)[-1], LONG)
    return [] if _holds(stage, key, tree) else ["archived without what was nowhere else"]


def _close(stage: Stage, key: str, *, archive: bool, strikes: bool = False) -> None:
    """Have it removed, or archived, once its machine is there; with `strikes` its agent dies meanwhile."""

    def closed() -> types.Command | None:
        with suppress(grpc.RpcError):
            request = pb.CloseWorkspaceRequest(key=key, archive=archive)
            return stage.world.door.control.CloseWorkspace(request, metadata=METADATA, timeout=CALL).command
        return None

    command = wait_until(closed, LONG)
    assert command
    if strikes:
        wait_until(lambda: _command(stage, command.command_id).state != types.COMMAND_STATE_QUEUED, LONG)
        stage.agent.strike()
        stage.agent.again()
    over = (types.COMMAND_STATE_DONE, *BAD)
    wait_until(lambda: _command(stage, command.command_id).state in over, LONG)


def _holds(stage: Stage, key: str, tree: Path) -> bool:
    if (tree / "notes.txt").exists():
        return True
    known = next(each for each in _workspaces(stage) if each.workspace.key == key)
    with tarfile.open(known.path) as packed:
        return any(name.endswith("notes.txt") for name in packed.getnames())


def _head(run: Run) -> str:
    assert run.pull.pull
    return run.pull.pull.head_sha


def _chat(run: Run) -> str:
    return f"{run.pull.repository.id}/{run.pull.number}"


def _pushes(stage: Stage, run: Run) -> list[str]:
    """The commits that the turn made, as the bare repository has them."""
    return git(stage.upstream.path, "log", "--format=%H", f"--grep=^{run.word}.txt$", run.branch).split()


def _sessions(stage: Stage) -> Sequence[types.Session]:
    request = pb.ListSessionsRequest(include_ended=True)
    return stage.world.door.control.ListSessions(request, metadata=METADATA, timeout=CALL).sessions


def _workspaces(stage: Stage) -> Sequence[types.Workspace]:
    request = pb.ListWorkspacesRequest(include_gone=True)
    return stage.world.door.control.ListWorkspaces(request, metadata=METADATA, timeout=CALL).workspaces


def _state(stage: Stage, key: str) -> int:
    with suppress(grpc.RpcError):
        return next((each.state for each in _workspaces(stage) if each.workspace.key == key), 0)
    return 0


def _command(stage: Stage, command_id: str) -> types.Command:
    request = pb.GetCommandRequest(command_id=command_id)
    return stage.world.door.control.GetCommand(request, metadata=METADATA, timeout=CALL).command


def _is_on_its_way(stage: Stage) -> bool:
    """Whether something is to be written on GitHub still, as far as the router knows."""
    with suppress(grpc.RpcError):
        request = pb.ListNotificationsRequest(limit=200)
        told = stage.world.door.control.ListNotifications(request, metadata=METADATA, timeout=CALL).notifications
        open_still = (types.NOTIFICATION_STATE_QUEUED, types.NOTIFICATION_STATE_SENT)
        return any(each.chat.transport == "github" and each.state in open_still for each in told)
    return True


def _bad(stage: Stage, run: Run) -> list[types.Command]:
    """Commands of its sessions that were not done, as people are shown them."""
    with suppress(grpc.RpcError):
        mine = [each.session_id for each in _sessions(stage) if _chat(run) in [chat.chat_id for chat in each.home]]
        request = pb.ListCommandsRequest(states=BAD, limit=500)
        told = stage.world.door.control.ListCommands(request, metadata=METADATA, timeout=CALL).commands
        return [each for each in told if each.session_id in mine]
    return []


def _account(stage: Stage, run: Run) -> str:
    bodies = [each.body[:300] for each in stage.github.of(run.pull)]
    checks = [(each.head_sha[:7], each.conclusion, each.output) for each in stage.github.runs(_head(run))]
    return f"{bodies} {checks} {_pushes(stage, run)} {stage.agent.log[-1500:]}"


def deaths(one: Stage, victim: str, rng: random.Random, times: int, points: Sequence[str] = ()) -> Row:
    """So many deaths of one of them at each of its points."""
    left = [point for point in points or CASES[victim] for _ in range(times)]
    rng.shuffle(left)
    fired, problems, ends = 0, list[str](), list[str]()
    for point in left:
        came, broken, ended = play(one, victim, point)
        fired += came
        problems += broken if came else [f"{victim} did not come to {point}"]
        ends.append(ended)
    remarks = [f"{ends.count('done')} done, {ends.count('in doubt')} visibly in doubt"]
    return Row(f"GitHub: kill -9 {victim}", fired, remarks=remarks, failures=problems)
