"""What a refused call says, read the way a client reads it."""

import grpc
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_status import rpc_status


def error_info(error: grpc.RpcError) -> ErrorInfo:
    """The ErrorInfo of a refusal; empty when it has none."""
    info = ErrorInfo()
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        if detail.Is(ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
    return info


def reason_of(error: grpc.RpcError) -> str:
    """The reason of a refusal: "SESSION_UNKNOWN"."""
    return str(error_info(error).reason)


def retry_after(error: grpc.RpcError) -> float | None:
    """When to try again, in seconds; None when the refusal does not say."""
    retry = RetryInfo()
    status = rpc_status.from_call(error)
    found = [d for d in (status.details if status else ()) if d.Is(RetryInfo.DESCRIPTOR) and d.Unpack(retry)]
    return retry.retry_delay.ToMicroseconds() / 1e6 if found else None
