"""What the router refuses, as HTTP says it: one table from gRPC codes and reasons to statuses."""

from http import HTTPStatus
from typing import NoReturn, cast

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

_BY_CODE = {
    grpc.StatusCode.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    grpc.StatusCode.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    grpc.StatusCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    grpc.StatusCode.FAILED_PRECONDITION: HTTPStatus.CONFLICT,
    grpc.StatusCode.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    grpc.StatusCode.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    grpc.StatusCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    # A router that does not answer in time is no better for the caller than one that is away.
    grpc.StatusCode.DEADLINE_EXCEEDED: HTTPStatus.SERVICE_UNAVAILABLE,
    grpc.StatusCode.CANCELLED: HTTPStatus.SERVICE_UNAVAILABLE,
    grpc.StatusCode.ABORTED: HTTPStatus.SERVICE_UNAVAILABLE,
}
_BY_REASON = {
    "SESSION_ENDED": HTTPStatus.NOT_FOUND,  # to HTTP callers an unregistered session is gone
    "TOO_LARGE": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "PLATFORM_REFUSED": HTTPStatus.BAD_GATEWAY,
}
_CONTENT = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.TOO_MANY_REQUESTS,  # the session's queue is full, and the person is told so
    }
)
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_RETRY_AFTER = 2.0  # seconds; Telegram's own second retry comes then as well


class RouterError(Exception):
    """The router refused a call or could not be asked. `message` is text for people, `retry_after` in seconds."""

    def __init__(self, status: HTTPStatus, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @property
    def is_about_content(self) -> bool:
        """The request itself was refused: the same one again would be refused again."""
        return self.status in _CONTENT


def unavailable(message: str) -> RouterError:
    """The router could not be asked."""
    return RouterError(HTTPStatus.SERVICE_UNAVAILABLE, "UNAVAILABLE", message, _RETRY_AFTER)


def from_call(error: grpc.RpcError) -> RouterError:
    """What a failed call says."""
    call = cast("grpc.Call", error)  # every error that grpc raises for a call is also the call
    status = rpc_status.from_call(call)
    if status is not None:
        return from_status(status)
    return _error(call.code(), call.code().name, _spoken(call.code(), call))


def from_status(status: status_pb2.Status) -> RouterError:
    """What a google.rpc.Status says."""
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(retry)
    after = retry.retry_delay.ToTimedelta().total_seconds() or None
    return _error(code, info.reason or code.name, status.message, after)


def _error(code: grpc.StatusCode, reason: str, message: str, after: float | None = None) -> RouterError:
    status = _BY_REASON.get(reason) or _BY_CODE.get(code, HTTPStatus.INTERNAL_SERVER_ERROR)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        after = after or _RETRY_AFTER
    return RouterError(status, reason, message, after)


def _spoken(code: grpc.StatusCode, error: grpc.Call) -> str:
    """Words of grpc's own machinery name sockets and files: they go to the log, not to callers."""
    if code is grpc.StatusCode.UNAVAILABLE:
        return "the router is not reachable; try again in a moment"
    if _BY_CODE.get(code) is HTTPStatus.SERVICE_UNAVAILABLE:
        return "the router did not answer in time; try again in a moment"
    if code in _BY_CODE:
        return error.details() or code.name.lower()
    return "the router failed; its log says why"


def raise_from(error: grpc.RpcError) -> NoReturn:
    """Raise what a failed call says."""
    raise from_call(error) from None
