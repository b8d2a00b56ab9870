"""Calls that are refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from tests.rigs.rpc_errors import reason_of


@contextmanager
def refusal(reason: str) -> Iterator[None]:
    """The block is refused for this."""
    with pytest.raises(grpc.RpcError) as refused:
        yield
    assert reason_of(refused.value) == reason
