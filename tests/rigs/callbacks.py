"""Callback tokens of a test, and reports with them."""

from typing import Any

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import control_pb2_grpc

from router.domain.audit import AuditEvent
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import session

OK, FAILED = pb.CALLBACK_OUTCOME_OK, pb.CALLBACK_OUTCOME_FAILED


def callback(router: RouterUnderTest, session_id: str = "", **request: Any) -> pb.CreateCallbackResponse:
    """One for that session, or for one of its own."""
    session_id = session_id or waiting(router)
    return router.control.CreateCallback(pb.CreateCallbackRequest(session_id=session_id, **request))


def waiting(router: RouterUnderTest, name: str = "waits") -> str:
    """A session of which its machine has told, so that it is no shell."""
    with router.machine(f"of-{name}").connected(sessions=[session(name)]) as link:
        link.heard()
    return name


def report(
    stub: control_pb2_grpc.ControlStub, token: str, text: str = "", outcome: pb.CallbackOutcome = OK
) -> pb.ReportBackResponse:
    """What whoever has the token says."""
    return stub.ReportBack(pb.ReportBackRequest(token=token, outcome=outcome, text=text))


LEAVES: dict[str, AuditEvent | str] = {
    "Control/CreateCallback": AuditEvent.CALLBACK_CREATED,
    "Control/ReportBack": "what became of it is told by its trace",
}
CHANGED = {AuditEvent.CALLBACK_CREATED: lambda router: str(callback(router).callback_id)}
