"""Whether it is our router that answers: it signs a challenge with the key that was pinned at enrolment."""

import hashlib
import secrets
from base64 import urlsafe_b64encode

from agentlink.v1 import identity_pb2 as pb
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.message import Message

PROVE = "/agentlink.v1.Identity/Prove"
_PURPOSE = b"pointsman router proof v1"
CURE = (
    "Another program may have taken its address: nothing was sent to it. If the router lost its key or was set up "
    "anew, enrol this machine again: `pointsman machine token` there, `pointsman enroll` here."
)


class NotProven(Exception):
    """What answers is not the router that was pinned; the text is for people."""


def challenge() -> pb.ProveRequest:
    """A new one for every connection: an old answer proves nothing."""
    return pb.ProveRequest(nonce=secrets.token_bytes(32))


def carried(request: Message) -> tuple[tuple[str, bytes], ...]:
    """The request as metadata too. Of whoever shows no credential a busy router reads few bodies, and not this one's.

    The body is for older routers.
    """
    return (("request-bin", request.SerializeToString()),)


def check(asked: pb.ProveRequest, answer: pb.ProveResponse, fingerprint: str, router_id: str = "") -> None:
    """Raise NotProven unless the answer is of the router with this key and, where it is known, this id."""
    digest = urlsafe_b64encode(hashlib.sha256(answer.public_key).digest()).rstrip(b"=").decode()
    if digest != fingerprint or (router_id and answer.router_id != router_id):
        raise NotProven(f"What answers is not the router of this machine. {CURE}")
    said = b"\0".join((_PURPOSE, answer.router_id.encode(), asked.nonce))
    try:
        Ed25519PublicKey.from_public_bytes(answer.public_key).verify(answer.signature, said)
    except (InvalidSignature, ValueError):
        raise NotProven(f"What answers has not the key of the router of this machine. {CURE}") from None
