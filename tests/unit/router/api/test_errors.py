"""The catalogue: every reason becomes a status that a program can act on."""

import logging

import pytest
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo

from router.api.errors import refusal_of, status_of
from router.domain.errors import IllegalTransition, Reason, Refusal

REASONS = [reason for reason in Reason if reason is not Reason.UNSPECIFIED]


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.name)
def test_a_status_names_its_reason_and_domain(reason: Reason) -> None:
    status, info = status_of(Refusal(reason, "do this")), ErrorInfo()
    status.details[0].Unpack(info)

    assert (info.reason, info.domain) == (reason.name, "pointsman")
    assert status.message == "do this"
    assert status.code not in (code_pb2.OK, code_pb2.UNKNOWN, code_pb2.INTERNAL)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.INVALID_ARGUMENT, code_pb2.INVALID_ARGUMENT),
        (Reason.TOO_LARGE, code_pb2.INVALID_ARGUMENT),
        (Reason.SESSION_UNKNOWN, code_pb2.NOT_FOUND),
        (Reason.NOT_FOUND, code_pb2.NOT_FOUND),
        (Reason.SESSION_ENDED, code_pb2.FAILED_PRECONDITION),
        (Reason.ILLEGAL_STATE, code_pb2.FAILED_PRECONDITION),
        (Reason.QUEUE_FULL, code_pb2.RESOURCE_EXHAUSTED),
        (Reason.REQUEST_ID_REUSED, code_pb2.ALREADY_EXISTS),
        (Reason.SESSION_OWNED_ELSEWHERE, code_pb2.ALREADY_EXISTS),
        (Reason.UNAUTHENTICATED, code_pb2.UNAUTHENTICATED),
        (Reason.CLOCK_SKEW, code_pb2.UNAUTHENTICATED),
        (Reason.PERMISSION_DENIED, code_pb2.PERMISSION_DENIED),
        (Reason.STORAGE_UNAVAILABLE, code_pb2.UNAVAILABLE),
        (Reason.BUSY, code_pb2.UNAVAILABLE),
        (Reason.LINK_SUPERSEDED, code_pb2.ABORTED),
        (Reason.ACK_TIMEOUT, code_pb2.ABORTED),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_codes_are_those_of_the_protocol(reason: Reason, code: int) -> None:
    assert status_of(Refusal(reason, "text")).code == code


def test_retry_info_says_when_to_come_again() -> None:
    status, retry = status_of(Refusal(Reason.BUSY, "later", retry_after=1.5)), RetryInfo()
    status.details[1].Unpack(retry)

    assert retry.retry_delay.ToMilliseconds() == 1_500


def test_what_a_program_needs_is_in_the_metadata() -> None:
    status, info = status_of(Refusal(Reason.CLOCK_SKEW, "off", router_time="12.5")), ErrorInfo()
    status.details[0].Unpack(info)

    assert dict(info.metadata) == {"router_time": "12.5"}


def test_an_illegal_transition_is_the_callers_to_look_at_again() -> None:
    assert refusal_of(IllegalTransition("Sent in state DONE of c")).reason is Reason.ILLEGAL_STATE


def test_the_inside_of_an_error_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)

    told = refusal_of(RuntimeError("secret path"))

    assert "secret path" not in told.text
    assert "secret path" in caplog.text
