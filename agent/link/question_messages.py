"""Permission questions and their answers as protobuf."""

from agentlink.v1 import agent_link_pb2 as link
from agentlink.v1 import types_pb2 as types
from google.protobuf.duration_pb2 import Duration

from agent.domain.command import PermissionDecision
from agent.domain.permission import Details, FormAnswer, FormQuestion, Option, Question


def request(seq: int, asked: Question) -> link.PermissionRequest:
    """A question, as the frame has it."""
    wait = Duration()
    wait.FromNanoseconds(int(asked.wait * 1e9))
    return link.PermissionRequest(
        upstream_seq=seq,
        permission_id=asked.permission_id,
        session_id=asked.session_id,
        kind=types.PermissionKind.Value(f"PERMISSION_KIND_{asked.kind.name}"),
        tool=asked.tool,
        input=asked.input,
        input_digest=asked.input_digest,
        expires_in=wait,
        options=map(_option, asked.options),
        details=_details(asked.details),
    )


def decision(message: types.PermissionDecision) -> PermissionDecision:
    """The answer that a command brings."""
    answers = tuple(FormAnswer(tuple(one.option_ids), one.text) for one in message.answers)
    return PermissionDecision(
        message.permission_id, message.input_digest, message.option_id, message.text, message.updated_input, answers
    )


def _option(one: Option) -> types.PermissionOption:
    return types.PermissionOption(
        option_id=one.option_id,
        label=one.label,
        verdict=types.Verdict.Value(f"VERDICT_{one.verdict.name}"),
        takes_text=one.takes_text,
        meaning=one.meaning,
    )


def _details(told: Details) -> types.PermissionDetails:
    return types.PermissionDetails(
        title=told.title,
        input_json=told.input_json,
        input_cut=told.is_cut,
        diff=told.diff,
        editable=not told.not_editable,
        not_editable=told.not_editable,
        mode=told.mode,
        waiting_for=told.waiting_for,
        form=map(_form_question, told.form),
    )


def _form_question(asked: FormQuestion) -> types.FormQuestion:
    options = [
        types.FormOption(option_id=one.option_id, label=one.label, description=one.description) for one in asked.options
    ]
    return types.FormQuestion(text=asked.text, header=asked.header, multi_select=asked.multi_select, options=options)
