"""What a call's status means for the link."""

import grpc
import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from agent.link.channel import Endpoint, channel_credentials
from agent.link.grpc_stream import ending_of
from agent.link.protocol import End, Ending


def status(code: grpc.StatusCode, text: str = "no", *details: Message) -> grpc.aio.AioRpcError:
    rich = status_pb2.Status(code=code.value[0], message=text)
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        rich.details.append(packed)
    trailing = grpc.aio.Metadata(("grpc-status-details-bin", rich.SerializeToString()))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, text, None)


def info(reason: str, **metadata: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain="pointsman", metadata=metadata)


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (status(grpc.StatusCode.UNAVAILABLE), End.LOST),
        (status(grpc.StatusCode.OK), End.LOST),
        (status(grpc.StatusCode.ABORTED, "no", info("LINK_SUPERSEDED")), End.LOST),
        (status(grpc.StatusCode.ABORTED, "no", info("DUPLICATE_MACHINE")), End.REFUSED),
        (status(grpc.StatusCode.UNAUTHENTICATED, "no", info("UNAUTHENTICATED")), End.REFUSED),
        (status(grpc.StatusCode.PERMISSION_DENIED, "no", info("MACHINE_REVOKED")), End.REFUSED),
        (status(grpc.StatusCode.UNAUTHENTICATED, "no", info("CLOCK_SKEW")), End.CLOCK_SKEW),
    ],
    ids=["unavailable", "ok", "superseded", "duplicate", "unauthenticated", "revoked", "skew"],
)
def test_a_status_has_one_meaning(error: grpc.aio.AioRpcError, end: End) -> None:
    assert ending_of(error).end is end


def test_the_routers_delay_and_time_are_found() -> None:
    retry = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=2, nanos=500_000_000))
    error = status(grpc.StatusCode.UNAUTHENTICATED, "off", info("CLOCK_SKEW", router_time="1700000000.250"), retry)

    assert ending_of(error) == Ending(End.CLOCK_SKEW, "UNAUTHENTICATED: off", 2.5, 1_700_000_000.25, "CLOCK_SKEW")


@pytest.mark.parametrize(
    "text",
    ["the router's says 1700000000 seconds since 1970.", "it is 2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00"],
)
def test_the_routers_time_is_also_read_from_its_words(text: str) -> None:
    error = status(grpc.StatusCode.UNAUTHENTICATED, text, info("CLOCK_SKEW"))

    assert ending_of(error).router_time == 1_700_000_000


def test_details_that_cannot_be_read_are_no_details() -> None:
    trailing = grpc.aio.Metadata(("grpc-status-details-bin", b"\xff\xff"))
    error = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), trailing, "gone", None)

    assert ending_of(error) == Ending(End.LOST, "UNAVAILABLE: gone")


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("127.0.0.1:7443", True),
        ("localhost:7443", True),
        ("[::1]:7443", True),
        ("192.0.2.1:7443", False),
        ("router.example.org:7443", False),
    ],
)
def test_only_loopback_goes_without_tls(address: str, *, plain: bool) -> None:
    assert (channel_credentials(Endpoint(address)) is None) is plain
