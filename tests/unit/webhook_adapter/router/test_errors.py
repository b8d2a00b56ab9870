"""From gRPC statuses to HTTP."""

from http import HTTPStatus

import grpc
import pytest

from pointsman.client.refusals import from_status
from tests.rigs.faulty_router import Fault
from webhook_adapter.router.errors import http_status, is_about_content, unavailable

CODE = grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "reason", "status"),
    [
        (CODE.INVALID_ARGUMENT, "INVALID_ARGUMENT", 400),
        (CODE.INVALID_ARGUMENT, "TOO_LARGE", 413),
        (CODE.UNAUTHENTICATED, "UNAUTHENTICATED", 401),
        (CODE.PERMISSION_DENIED, "PERMISSION_DENIED", 403),
        (CODE.NOT_FOUND, "SESSION_UNKNOWN", 404),
        (CODE.FAILED_PRECONDITION, "SESSION_ENDED", 404),
        (CODE.FAILED_PRECONDITION, "ILLEGAL_STATE", 409),
        (CODE.ALREADY_EXISTS, "REQUEST_ID_REUSED", 409),
        (CODE.RESOURCE_EXHAUSTED, "QUEUE_FULL", 429),
        (CODE.UNAVAILABLE, "STORAGE_UNAVAILABLE", 503),
        (CODE.UNAVAILABLE, "BUSY", 503),
        (CODE.DEADLINE_EXCEEDED, "", 503),
        (CODE.ABORTED, "DRAINING", 503),
        (CODE.UNIMPLEMENTED, "", 501),
        (CODE.INTERNAL, "", 500),
        (CODE.UNKNOWN, "SOMETHING_NEW", 500),
    ],
)
def test_each_status_has_its_counterpart(code: grpc.StatusCode, reason: str, status: int) -> None:
    error = from_status(Fault(code, reason, "the public text").status())

    assert (http_status(error), error.code, error.message) == (status, reason or code.name, "the public text")


def test_the_routers_own_delay_is_told() -> None:
    error = from_status(Fault(CODE.RESOURCE_EXHAUSTED, "QUEUE_FULL", retry_after=30).status())

    assert error.retry_after == 30


def test_who_is_told_that_nothing_was_stored_is_told_when_to_come_again() -> None:
    assert unavailable("away").retry_after == 2
    assert from_status(Fault(CODE.UNAVAILABLE, "BUSY").status()).retry_after == 2


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (CODE.INVALID_ARGUMENT, "TOO_LARGE", True),
        (CODE.NOT_FOUND, "SESSION_UNKNOWN", True),
        (CODE.RESOURCE_EXHAUSTED, "QUEUE_FULL", True),
        (CODE.UNAVAILABLE, "STORAGE_UNAVAILABLE", False),
        (CODE.UNAUTHENTICATED, "UNAUTHENTICATED", False),
        (CODE.PERMISSION_DENIED, "PERMISSION_DENIED", False),
        (CODE.INTERNAL, "", False),
    ],
)
def test_only_what_the_content_caused_would_fail_again(code: grpc.StatusCode, reason: str, expected: bool) -> None:
    assert is_about_content(from_status(Fault(code, reason).status())) == expected


def test_an_unknown_code_is_a_failure() -> None:
    status = Fault(CODE.INTERNAL, "").status()
    status.code = 99

    assert http_status(from_status(status)) is HTTPStatus.INTERNAL_SERVER_ERROR
