"""Enrolment: a join token and a new public key for a machine's identity."""

from pathlib import Path

import grpc
from agentlink.v1 import agent_link_pb2, agent_link_pb2_grpc
from agentlink.v1.identity_pb2_grpc import IdentityStub
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.domain.errors import EnrolRefused, RouterUnreachable
from agent.link import identity, router_socket
from agent.link.channel import OPTIONS, Endpoint, channel_credentials
from agent.link.grpc_stream import reason_of
from agent.link.router_proof import NotProven, carried, challenge, check

TIMEOUT = 10.0  # seconds; a person is waiting
_TLS = " It may have another CA, or ask for a certificate: POINTSMAN_TLS_CA, POINTSMAN_TLS_CERT."
_ANOTHER = (
    "What answers at {} is not the router that made this token, and did not get it. Is the address right? Another "
    "program may have taken it; a router whose key is lost needs a new token."
)
_NOBODY_THERE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}


def enrol(endpoint: Endpoint, join_token: str, machine_id: str, data_dir: Path) -> str:
    """Give this machine an identity at a router and keep it in `<data_dir>/agent`; its name as the router has it.

    A token that brings the router's fingerprint goes to that router alone, which is pinned by it. The key is made once
    and used again, so a lost answer can be asked for again with the same token; a machine that was put out gets a new
    one. Raises EnrolRefused with the router's words, or RouterUnreachable.
    """
    token, _, fingerprint = join_token.partition(".")
    folder = data_dir / "agent"
    _look_at(endpoint.address)

    def ask(key: Ed25519PrivateKey) -> agent_link_pb2.EnrollResponse:
        public_key = identity.public_bytes(key)
        request = agent_link_pb2.EnrollRequest(join_token=token, machine_id=machine_id, public_key=public_key)
        return _call(endpoint, request, fingerprint)

    key = identity.key_of(folder)  # on disk before it is sent
    try:
        response = ask(key)
    except KeyPutOut:
        response = ask(identity.new_key_of(folder))
    identity.save(folder, response.machine_id, response.router_id, endpoint.address, fingerprint)
    return response.machine_id


class KeyPutOut(EnrolRefused):
    """The router takes the token, and not this key: whoever stole it would be in again with us."""


def _look_at(address: str) -> None:
    try:
        router_socket.check(address)
    except PermissionError as error:
        raise EnrolRefused(f"{error}; the token was not told there.") from None
    except OSError as error:
        raise RouterUnreachable(f"No router listens at {address} ({error.strerror}). Is it running?") from None


def _call(endpoint: Endpoint, request: agent_link_pb2.EnrollRequest, fingerprint: str) -> agent_link_pb2.EnrollResponse:
    credentials, target = channel_credentials(endpoint), router_socket.target(endpoint.address)
    channel = (
        grpc.insecure_channel(target, options=OPTIONS)
        if credentials is None
        else grpc.secure_channel(target, credentials, options=OPTIONS)
    )
    with channel:
        try:
            if fingerprint:
                asked = challenge()
                check(asked, IdentityStub(channel).Prove(asked, TIMEOUT, carried(asked)), fingerprint)
            return agent_link_pb2_grpc.AgentLinkStub(channel).Enroll(request, TIMEOUT, carried(request))
        except NotProven:
            raise EnrolRefused(_ANOTHER.format(endpoint.address)) from None
        except grpc.RpcError as error:
            if fingerprint and error.code() is grpc.StatusCode.UNIMPLEMENTED:  # it knows of no proof
                raise EnrolRefused(_ANOTHER.format(endpoint.address)) from None
            code, text = error.code(), error.details()
            if reason_of(error) == "MACHINE_REVOKED":
                raise KeyPutOut(text or code.name) from error
            if code in _NOBODY_THERE:
                words = (
                    f"The router at {endpoint.address} cannot be reached ({text}). Is it running, is the address right?"
                )
                raise RouterUnreachable(words if credentials is None else words + _TLS) from error
            raise EnrolRefused(text or f"The router refused: {code.name}.") from error
