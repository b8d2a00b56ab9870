"""One catalogue: reason -> gRPC status. The public text goes out; what went wrong inside is only logged."""

import logging
from collections.abc import Mapping

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from router.domain.errors import IllegalTransition, Reason, Refusal

logger = logging.getLogger(__name__)
DOMAIN = "pointsman"

_NOT_FOUND, _PRECONDITION = code_pb2.NOT_FOUND, code_pb2.FAILED_PRECONDITION
CODES: Mapping[Reason, int] = {
    Reason.UNSPECIFIED: code_pb2.INTERNAL,
    Reason.INVALID_ARGUMENT: code_pb2.INVALID_ARGUMENT,
    Reason.TOO_LARGE: code_pb2.INVALID_ARGUMENT,
    Reason.BAD_FRAME: code_pb2.INVALID_ARGUMENT,
    Reason.WHEN_UNCLEAR: code_pb2.INVALID_ARGUMENT,
    Reason.LADDER_UNCLEAR: code_pb2.INVALID_ARGUMENT,
    Reason.PROTOCOL_VERSION: _PRECONDITION,
    Reason.NOT_FOUND: _NOT_FOUND,
    Reason.FILE_GONE: _NOT_FOUND,
    Reason.SESSION_UNKNOWN: _NOT_FOUND,
    Reason.SESSION_ENDED: _PRECONDITION,
    Reason.ILLEGAL_STATE: _PRECONDITION,
    Reason.NOT_IN_AUDIENCE: _PRECONDITION,
    Reason.QUESTION_OVER: _PRECONDITION,
    Reason.INPUT_CHANGED: _PRECONDITION,
    Reason.INPUT_NOT_EDITABLE: _PRECONDITION,
    Reason.QUEUE_FULL: code_pb2.RESOURCE_EXHAUSTED,
    Reason.TOO_MANY_WRONG_KEYS: code_pb2.RESOURCE_EXHAUSTED,
    Reason.TOO_MANY_CALLS: code_pb2.RESOURCE_EXHAUSTED,
    Reason.WATCHER_TOO_SLOW: code_pb2.RESOURCE_EXHAUSTED,
    Reason.EVENTS_BEGAN_ANEW: code_pb2.OUT_OF_RANGE,
    Reason.EVENTS_GONE: code_pb2.OUT_OF_RANGE,
    Reason.REQUEST_ID_REUSED: code_pb2.ALREADY_EXISTS,
    Reason.SESSION_OWNED_ELSEWHERE: code_pb2.ALREADY_EXISTS,
    Reason.UNAUTHENTICATED: code_pb2.UNAUTHENTICATED,
    Reason.KEY_EXPIRED: code_pb2.UNAUTHENTICATED,
    Reason.CLOCK_SKEW: code_pb2.UNAUTHENTICATED,
    Reason.WORKER_EXPIRED: code_pb2.UNAUTHENTICATED,
    Reason.WORKER_SESSION_OVER: code_pb2.UNAUTHENTICATED,
    Reason.WORKER_OTHER_SESSION: code_pb2.PERMISSION_DENIED,
    Reason.WORKER_MAY_NOT: code_pb2.PERMISSION_DENIED,
    Reason.MODE_NOT_ALLOWED: code_pb2.PERMISSION_DENIED,
    Reason.JOIN_TOKEN_INVALID: code_pb2.PERMISSION_DENIED,
    Reason.NOT_PAIRED: code_pb2.PERMISSION_DENIED,
    Reason.NOT_BOUND: code_pb2.PERMISSION_DENIED,
    Reason.PAIRING_CODE_INVALID: code_pb2.PERMISSION_DENIED,
    Reason.SECOND_FACTOR_NEEDED: _PRECONDITION,
    Reason.PERMISSION_DENIED: code_pb2.PERMISSION_DENIED,
    Reason.OUT_OF_SCOPE: code_pb2.PERMISSION_DENIED,
    Reason.MACHINE_REVOKED: code_pb2.PERMISSION_DENIED,
    Reason.KEY_REPLACED: code_pb2.PERMISSION_DENIED,
    # So agents that do not know them come again after minutes, as one that is refused does.
    Reason.CREDENTIAL_OLD: code_pb2.PERMISSION_DENIED,
    Reason.AGENT_TOO_OLD: code_pb2.PERMISSION_DENIED,
    Reason.QUOTA_SESSIONS: code_pb2.RESOURCE_EXHAUSTED,
    # So agents that do not know it tell people that the file is not sent, and do not try it for ever.
    Reason.QUOTA_FILES: _PRECONDITION,
    Reason.QUOTA_MESSAGES: code_pb2.RESOURCE_EXHAUSTED,
    Reason.QUOTA_DEFERRED: code_pb2.RESOURCE_EXHAUSTED,
    Reason.RIGHT_LOST: code_pb2.PERMISSION_DENIED,
    Reason.TOO_MANY_HOPS: _PRECONDITION,
    Reason.NOT_CONSENTED: code_pb2.PERMISSION_DENIED,
    Reason.WORKSPACE_FAILED: _PRECONDITION,
    Reason.WORKSPACE_FULL: code_pb2.RESOURCE_EXHAUSTED,
    Reason.QUOTA_NOTES: code_pb2.RESOURCE_EXHAUSTED,
    Reason.LOOKS_SECRET: code_pb2.INVALID_ARGUMENT,
    Reason.STORAGE_UNAVAILABLE: code_pb2.UNAVAILABLE,
    Reason.BUSY: code_pb2.UNAVAILABLE,
    Reason.MACHINE_AWAY: code_pb2.UNAVAILABLE,
    Reason.SCREEN_SILENT: code_pb2.UNAVAILABLE,
    Reason.DRAINING: code_pb2.UNAVAILABLE,
    Reason.SILENCE: code_pb2.DEADLINE_EXCEEDED,
    Reason.ACK_TIMEOUT: code_pb2.ABORTED,
    Reason.LINK_SUPERSEDED: code_pb2.ABORTED,
    Reason.DUPLICATE_MACHINE: code_pb2.ABORTED,
}


def status_of(refusal: Refusal) -> status_pb2.Status:
    """The google.rpc.Status of a refusal, with ErrorInfo, and RetryInfo where retrying helps."""
    info = error_details_pb2.ErrorInfo(reason=refusal.reason.name, domain=DOMAIN, metadata=refusal.metadata)
    details = [_packed(info)]
    if refusal.retry_after is not None:
        delay = Duration()
        delay.FromMicroseconds(round(refusal.retry_after * 1e6))
        details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    code = CODES.get(refusal.reason, code_pb2.FAILED_PRECONDITION)
    return status_pb2.Status(code=code, message=refusal.text, details=details)


def refusal_of(error: BaseException) -> Refusal:
    """What a caller is told of an error. Anything unforeseen is logged and gets no inner text."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, IllegalTransition):
        return Refusal(Reason.ILLEGAL_STATE, "It is no longer in a state that allows that. Look at it again.")
    logger.error("unforeseen error", exc_info=error, extra={"event": "internal_error"})
    return Refusal(Reason.UNSPECIFIED, "The router made a mistake; its log says more. Nothing was stored.")


async def abort(context: "grpc.aio.ServicerContext[bytes, bytes]", refusal: Refusal) -> None:
    """End a call with a refusal. Whoever asks for it returns then; what is returned does not count."""
    try:
        await context.abort_with_status(rpc_status.to_status(status_of(refusal)))  # type: ignore[attr-defined]  # stubs lack it
    except grpc.aio.AbortError as error:
        # gRPC keeps it with the call, and it our frames with the call in them: with every refusal a call would stay in
        # memory until the garbage collector comes by. It raises it once more by itself.
        error.__traceback__ = error.__context__ = None


def _packed(message: error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed
