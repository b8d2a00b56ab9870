"""Failed calls, and statuses inside of answers, as RouterError."""

from typing import cast

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from pointsman.client.errors import NOT_PROVEN, RouterError
from pointsman.client.router_proof import NotProven

_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}
# grpc's own machinery says these as well, in words that name sockets and files: they go to the log, not to callers.
_OWN_WORDS = {
    "UNAVAILABLE": "the router is not reachable; try again in a moment",
    **dict.fromkeys(
        ("DEADLINE_EXCEEDED", "CANCELLED", "ABORTED"), "the router did not answer in time; try again in a moment"
    ),
    **dict.fromkeys(("UNKNOWN", "INTERNAL", "DATA_LOSS"), "the router failed; its log says why"),
}


def from_call(error: grpc.RpcError) -> RouterError:
    """What a failed call says."""
    if isinstance(error, NotProven):
        return RouterError("UNAVAILABLE", error.text, NOT_PROVEN)
    call = cast("grpc.Call", error)  # every error that grpc raises for a call is also the call
    status = rpc_status.from_call(call)
    if status is not None:
        return from_status(status)
    name = call.code().name
    # The other statuses come from the router's own code, whose words are made for people.
    return RouterError(name, _OWN_WORDS.get(name) or call.details() or name.lower())


def from_status(status: status_pb2.Status) -> RouterError:
    """What a google.rpc.Status says (https://google.aip.dev/193): words, reason, when to come again."""
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        # Unpack leaves alone what is of another type.
        detail.Unpack(info)
        detail.Unpack(retry)
    after = retry.retry_delay.ToTimedelta().total_seconds() or None
    return RouterError(_NAMES.get(status.code, "UNKNOWN"), status.message, info.reason, after)
