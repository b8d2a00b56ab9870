"""Enrolment: a join token and a new public key for a machine's identity."""

from pathlib import Path

import grpc
from agentlink.v1 import agent_link_pb2, agent_link_pb2_grpc

from agent.domain.errors import EnrolRefused, RouterUnreachable
from agent.link import identity
from agent.link.channel import OPTIONS, Endpoint, channel_credentials

TIMEOUT = 10.0  # seconds; a person is waiting
_TLS = " It may have another CA, or ask for a certificate: POINTSMAN_TLS_CA, POINTSMAN_TLS_CERT."
_NOBODY_THERE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}


def enrol(endpoint: Endpoint, join_token: str, machine_id: str, data_dir: Path) -> str:
    """Give this machine an identity at a router and keep it in `<data_dir>/agent`; its name as the router has it.

    The key is made once and used again, so a lost answer can be asked for again with the same token. Raises
    EnrolRefused with the router's words, or RouterUnreachable.
    """
    folder = data_dir / "agent"
    public_key = identity.public_bytes(identity.key_of(folder))  # on disk before it is sent
    request = agent_link_pb2.EnrollRequest(join_token=join_token, machine_id=machine_id, public_key=public_key)
    response = _call(endpoint, request)
    identity.save(folder, response.machine_id, response.router_id, endpoint.address)
    return response.machine_id


def _call(endpoint: Endpoint, request: agent_link_pb2.EnrollRequest) -> agent_link_pb2.EnrollResponse:
    credentials = channel_credentials(endpoint)
    channel = (
        grpc.insecure_channel(endpoint.address, options=OPTIONS)
        if credentials is None
        else grpc.secure_channel(endpoint.address, credentials, options=OPTIONS)
    )
    with channel:
        try:
            return agent_link_pb2_grpc.AgentLinkStub(channel).Enroll(request, timeout=TIMEOUT)
        except grpc.RpcError as error:
            code, text = error.code(), error.details()
            if code in _NOBODY_THERE:
                words = (
                    f"The router at {endpoint.address} cannot be reached ({text}). Is it running, is the address right?"
                )
                raise RouterUnreachable(words if credentials is None else words + _TLS) from error
            raise EnrolRefused(text or f"The router refused: {code.name}.") from error
