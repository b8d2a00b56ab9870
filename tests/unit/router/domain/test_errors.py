"""Reasons are the protocol's, name by name and number by number."""

from agentlink.v1 import types_pb2 as types

from router.domain.errors import Reason, Refusal


def test_the_reasons_are_those_of_the_protocol() -> None:
    assert {reason.name: reason.value for reason in Reason} == {
        name.removeprefix("REASON_"): number for name, number in types.Reason.items()
    }


def test_a_refusal_reads_well_in_a_log() -> None:
    assert str(Refusal(Reason.BUSY, "Come again.", retry_after=1.0)) == "BUSY: Come again."
