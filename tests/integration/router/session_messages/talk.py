"""What sessions of a test say to each other, and what people press."""

from dataclasses import dataclass
from typing import Any

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import listed, respond
from tests.rigs.session_program import Doors
from tests.rigs.thin_agent import ThinAgent, ThinLink


@dataclass
class Talk:
    """Sessions api, web and sh on devbox, far on laptop."""

    router: RouterUnderTest
    here: ThinAgent
    there: ThinAgent
    link: ThinLink
    far: ThinLink

    def inside(self, name: str) -> Doors:
        """The program in a session."""
        machine = self.there if name == "far" else self.here
        return Doors(self.router.address, machine.worker_token(f"s-{name}"))

    def says(self, name: str, to: str = "", text: str = "hello", **request: Any) -> types.SessionMessage:
        asked = pb.SendToSessionRequest(to=to, text=text, **request)
        return self.inside(name).SendToSession(asked).message

    def typed(self, link: ThinLink) -> str:
        """The next text that a machine is to type."""
        return link.commands(1)[0].action.input.text

    def messages(self, session_id: str = "") -> list[types.SessionMessage]:
        asked = pb.ListSessionMessagesRequest(session_id=session_id)
        return list(self.router.control.ListSessionMessages(asked).messages)

    def consents(self, *, over: bool = False) -> list[types.Consent]:
        return list(self.router.control.ListConsents(pb.ListConsentsRequest(include_over=over)).consents)

    def decide(self, option: str) -> types.Permission:
        """A person answers the question that is open."""
        [asked] = listed(self.router)
        return respond(self.router, asked.permission_id, option, input_digest=asked.input_digest)
