"""Sessions, as machines report them and as people see them."""

from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import types_pb2 as pb

from router.api.convert.chats import chat_message
from router.api.convert.times import timestamp
from router.domain import frames
from router.domain.control import MAX_MODE, MAX_MODEL, MAX_MODES, ControlKind
from router.domain.session import Session, SessionState
from router.domain.unicode_escapes import visible

# What we do not know of a session is what it says of itself by default: nothing.
SESSION_STATES = {
    state: 0 if state is SessionState.UNKNOWN else pb.SessionState.Value(f"SESSION_STATE_{state.name}")
    for state in SessionState
}
STATES_OF = {number: state for state, number in SESSION_STATES.items()}
KINDS = {pb.ControlKind.Value(f"CONTROL_KIND_{kind.name}"): kind for kind in ControlKind}
CONTROLS = {kind.value: number for number, kind in KINDS.items()}
MAX_WAITING_FOR = 100  # characters
YEAR_10_000 = 253_402_300_800  # seconds since the epoch


def session_message(s: Session) -> pb.Session:
    return pb.Session(
        session_id=s.session_id, machine_id=s.machine_id, label=s.given_name or s.label, backend=s.backend, cwd=s.cwd,
        state=SESSION_STATES[s.state], generation=s.generation, connected=s.connected, distinction=s.distinction,  # type: ignore[arg-type]
        created_at=timestamp(s.created_at), updated_at=timestamp(s.updated_at), waiting_for=s.waiting_for,
        mode=s.mode, model=s.model, modes=s.modes, controls=[CONTROLS[each] for each in s.controls if each in CONTROLS],
        limited_until=timestamp(s.limited_until), home=map(chat_message, s.home),
    )  # fmt: skip


def session_report(u: link_pb.SessionUpdate) -> frames.SessionReport:
    state = STATES_OF.get(u.state, SessionState.UNKNOWN)  # a newer agent may have states that we do not know
    waiting_for = u.waiting_for[:MAX_WAITING_FOR]
    limit = u.limited_until.seconds if u.HasField("limited_until") else None
    # Beyond that it is none: a date that nothing else could hold.
    limited_until = float(limit) if limit is not None and 0 < limit < YEAR_10_000 else None
    return frames.SessionReport(
        u.upstream_seq, u.session_id, u.generation, u.label, u.backend, u.cwd, state, waiting_for,
        visible(u.mode)[:MAX_MODE], visible(u.model)[:MAX_MODEL],
        tuple(visible(each)[:MAX_MODE] for each in u.modes[:MAX_MODES]),
        tuple(KINDS[each].value for each in dict.fromkeys(u.controls) if each in KINDS),
        limited_until,
    )  # fmt: skip
