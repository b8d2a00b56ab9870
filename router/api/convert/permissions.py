"""Permission questions."""

from collections.abc import Sequence

from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as control_pb
from agentlink.v1 import types_pb2 as pb

from router.api.convert.times import seconds, timestamp
from router.domain import frames
from router.domain.action import PermissionDecision
from router.domain.clock_steps import DAY
from router.domain.errors import Reason
from router.domain.permission import (
    Option,
    Permission,
    PermissionKind,
    PermissionState,
    Question,
    Verdict,
    checked_question,
)
from router.domain.permission_input import Answer, Details, FormAnswer, FormOption, FormQuestion

STATES = {state: pb.PermissionState.Value(f"PERMISSION_STATE_{state.name}") for state in PermissionState}
VERDICTS = {verdict: pb.Verdict.Value(f"VERDICT_{verdict.name}") for verdict in Verdict}
KINDS = {kind: pb.PermissionKind.Value(f"PERMISSION_KIND_{kind.name}") for kind in PermissionKind}
_STATES = {number: state for state, number in STATES.items()}
_VERDICTS = {number: verdict for verdict, number in VERDICTS.items()}
_KINDS = {number: kind for kind, number in KINDS.items()}
MAX_INPUT = 64 * 1024  # characters kept of what a question is about
MAX_DETAIL = 1000  # characters kept of why one is over


def permission_request(asked: link_pb.PermissionRequest) -> frames.PermissionRequest | frames.Unfit:
    """A question; Unfit where an option has no verdict."""
    for option in asked.options:
        if option.verdict not in _VERDICTS:
            text = f"The option {option.option_id[:32]!r} has no verdict that this router knows."
            return frames.Unfit(asked.upstream_seq, Reason.INVALID_ARGUMENT, text)
    return frames.PermissionRequest(
        asked.upstream_seq, asked.permission_id, asked.session_id, _KINDS.get(asked.kind, PermissionKind.TOOL),
        asked.tool, asked.input[:MAX_INPUT], asked.input_digest, seconds(asked.expires_in),
        tuple(_option(option) for option in asked.options), _details(asked),
    )  # fmt: skip


def question(asked: control_pb.AskRequest) -> Question:
    """Raises Refusal naming what is wrong with it."""
    expires_in = seconds(asked.expires_in) if asked.HasField("expires_in") else DAY
    return checked_question(Question(asked.session_id, asked.text, tuple(asked.options), asked.own_words, expires_in))


def permission_withdrawn(over: link_pb.PermissionWithdrawn) -> frames.PermissionWithdrawn:
    """One that says no state we know is only withdrawn."""
    state = _STATES.get(over.state, PermissionState.WITHDRAWN)
    return frames.PermissionWithdrawn(over.upstream_seq, over.permission_id, state, over.detail[:MAX_DETAIL])


def answer(asked: control_pb.RespondPermissionRequest | chat_pb.PermissionAnswer) -> Answer:
    """What somebody answers."""
    answers = tuple(FormAnswer(tuple(each.option_ids), each.text) for each in asked.answers)
    return Answer(asked.option_id, asked.text, asked.updated_input, answers)


def permission_message(p: Permission, risks: Sequence[str] = (), *, whole: bool = True) -> pb.Permission:
    """One that is not `whole` goes without its input and diff: a list of many is short."""
    options = [
        pb.PermissionOption(
            option_id=each.option_id,
            label=each.label,
            verdict=VERDICTS[each.verdict],
            takes_text=each.takes_text,
            meaning=each.meaning,
        )
        for each in p.options
    ]
    return pb.Permission(
        permission_id=p.permission_id, session_id=p.session_id, machine_id=p.machine_id, kind=KINDS[p.kind],
        tool=p.tool, input=p.input, input_digest=p.input_digest, options=options, state=STATES[p.state],
        decided_by=p.decided_by, option_id=p.option_id, text=p.text, detail=p.detail, command_id=p.command_id,
        created_at=timestamp(p.created_at), expires_at=timestamp(p.expires_at), decided_at=timestamp(p.decided_at),
        details=_details_message(p.details, whole=whole), updated_input=p.updated_input, risks=risks,
    )  # fmt: skip


def decision_message(value: PermissionDecision) -> pb.PermissionDecision:
    return pb.PermissionDecision(
        permission_id=value.permission_id, input_digest=value.input_digest, option_id=value.option_id, text=value.text,
        updated_input=value.updated_input,
        answers=[pb.FormAnswer(option_ids=each.option_ids, text=each.text) for each in value.answers],
    )  # fmt: skip


def _option(option: pb.PermissionOption) -> Option:
    return Option(option.option_id, option.label, _VERDICTS[option.verdict], option.takes_text, option.meaning)


def _details(asked: link_pb.PermissionRequest) -> Details:
    told = asked.details
    form = tuple(
        FormQuestion(
            each.text, each.header, each.multi_select,
            tuple(FormOption(one.option_id, one.label, one.description) for one in each.options),
        )
        for each in told.form
    )  # fmt: skip
    return Details(
        told.title, told.input_json, told.input_cut, told.diff, told.editable, told.not_editable, told.mode,
        told.waiting_for, form,
    )  # fmt: skip


def _form_option(option: FormOption) -> pb.FormOption:
    return pb.FormOption(option_id=option.option_id, label=option.label, description=option.description)


def _details_message(details: Details, *, whole: bool) -> pb.PermissionDetails:
    form = [
        pb.FormQuestion(
            text=each.text, header=each.header, multi_select=each.multi_select,
            options=map(_form_option, each.options),
        )
        for each in details.form
    ]  # fmt: skip
    return pb.PermissionDetails(
        title=details.title, input_json=details.input_json if whole else "", diff=details.diff if whole else "",
        input_cut=details.input_cut, editable=details.editable, not_editable=details.not_editable, mode=details.mode,
        waiting_for=details.waiting_for, form=form,
    )  # fmt: skip
