"""What is to be done later."""

from agentlink.v1 import control_pb2 as control_pb
from agentlink.v1 import types_pb2 as pb

from router.api.convert.commands import origin_message
from router.api.convert.times import moment, timestamp
from router.domain.deferral import Deferred, DeferredState, Task
from router.domain.errors import Reason, Refusal
from router.domain.occurrence import Days, Occurrence
from router.domain.schedule import zone_of

TASKS = {task: pb.DeferredTask.Value(f"DEFERRED_TASK_{task.name}") for task in Task}
STATES = {state: pb.DeferredState.Value(f"DEFERRED_STATE_{state.name}") for state in DeferredState}
_ASKED = {number: task for task, number in TASKS.items()}


def task(request: control_pb.DeferRequest) -> Task:
    """What is wanted. Raises Refusal where it is nothing, or has what it cannot need."""
    found = _ASKED.get(request.task)
    if found is None:
        raise Refusal(Reason.INVALID_ARGUMENT, "task must be TEXT, REMINDER, START or CONTINUE")
    if found in (Task.TEXT, Task.CONTINUE) and not request.session_id:
        raise Refusal(Reason.INVALID_ARGUMENT, "session_id is empty: say which session it is for")
    if found is Task.CONTINUE and (request.text or request.when):
        raise Refusal(Reason.INVALID_ARGUMENT, "what continues has its own text and moment: leave text and when empty")
    if found is not Task.START and (request.machine_id or request.folder):
        raise Refusal(Reason.INVALID_ARGUMENT, "machine_id and folder are of a START")
    return found


def deferred_message(d: Deferred, wall_is_ahead: float) -> pb.Deferred:
    """With its moment as the wall clock has it, which is so many seconds ahead of the steady one."""
    shown = d.next_at if d.next_at is not None and d.schedule.condition is None else None
    if shown is not None and d.schedule.is_steady:
        shown += wall_is_ahead
    return pb.Deferred(
        deferred_id=d.deferred_id, task=TASKS[d.task], session_id=d.session_id, text=d.text, machine_id=d.machine_id,
        folder=d.folder, when=d.schedule.words, zone=d.zone, next_at=timestamp(shown), state=STATES[d.state],
        occurrence=d.occurrence, origin=origin_message(d.origin), created_at=timestamp(d.created_at), detail=d.detail,
    )  # fmt: skip


def days(request: control_pb.ListOccurrencesRequest, now: float, zone: str) -> Days:
    """Which days are asked for; `zone` is the router's. Raises Refusal."""
    since = moment(request.since) if request.HasField("since") else now
    return Days(since, moment(request.until), zone_of(request.zone or zone)).checked()


def occurrence_message(each: Occurrence) -> pb.Occurrence:
    """One time."""
    return pb.Occurrence(
        deferred_id=each.deferred_id, at=timestamp(each.at), more=each.more, session_id=each.session_id
    )  # fmt: skip
