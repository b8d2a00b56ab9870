"""What the router refuses, as HTTP says it: one table from gRPC statuses and reasons to HTTP's."""

from http import HTTPStatus

from pointsman.client.errors import RouterError

_BY_STATUS = {
    "INVALID_ARGUMENT": HTTPStatus.BAD_REQUEST,
    "OUT_OF_RANGE": HTTPStatus.BAD_REQUEST,
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "ALREADY_EXISTS": HTTPStatus.CONFLICT,
    "FAILED_PRECONDITION": HTTPStatus.CONFLICT,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
    "UNIMPLEMENTED": HTTPStatus.NOT_IMPLEMENTED,
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


def http_status(error: RouterError) -> HTTPStatus:
    """The HTTP status that says it."""
    if status := _BY_REASON.get(error.code) or _BY_STATUS.get(error.status):
        return status
    # A router that does not answer in time is no better for the caller than one that is away.
    return HTTPStatus.SERVICE_UNAVAILABLE if error.may_pass else HTTPStatus.INTERNAL_SERVER_ERROR


def is_about_content(error: RouterError) -> bool:
    """The request itself was refused: the same one again would be refused again."""
    return http_status(error) in _CONTENT and not error.may_pass


def unavailable(message: str) -> RouterError:
    """The router could not be asked."""
    return RouterError("UNAVAILABLE", message)
