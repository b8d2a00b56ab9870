"""Reports from outside: who may say something to a session, once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agentlink.v1 import control_pb2 as pb

from pointsman.client import convert
from pointsman.client.calls import Calls


@dataclass(frozen=True, slots=True)
class NewCallback:
    """Lets one report come; its token is shown once. `callback_id` names it, and is no secret."""

    token: str = field(repr=False)
    expires_at: datetime | None
    callback_id: str


class Callbacks(Calls):
    """Every method raises RouterError."""

    def create_callback(self, session_id: str, name: str = "", ttl: timedelta | None = None) -> NewCallback:
        """Let a program elsewhere report to a session, once; good for `ttl` (a day). `name` says what it is."""
        asked = pb.CreateCallbackRequest(session_id=session_id, name=name, ttl=convert.duration(ttl))
        return convert.read(NewCallback, self._call(self._stub.CreateCallback, asked))

    def report_back(self, token: str, outcome: str, text: str = "") -> None:
        """Report with such a token; `outcome` is "ok" or "failed". Again with the same words nothing is done."""
        outcomes = {"ok": pb.CALLBACK_OUTCOME_OK, "failed": pb.CALLBACK_OUTCOME_FAILED}
        told = outcomes.get(outcome, pb.CALLBACK_OUTCOME_UNSPECIFIED)
        self._call(self._stub.ReportBack, pb.ReportBackRequest(token=token, outcome=told, text=text))
