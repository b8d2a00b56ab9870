"""Identity: who the router is, for whoever asks before they say who they are."""

from agentlink.v1 import identity_pb2 as pb

from router.api.handlers import Call
from router.domain.router_key import RouterKey


class IdentityServicer:
    """The service that asks for no credential."""

    def __init__(self, key: RouterKey) -> None:
        self._key = key
        self._public = key.public  # made anew each time it is asked for

    async def Prove(self, request: pb.ProveRequest, _call: Call) -> pb.ProveResponse:
        signature = self._key.prove(request.nonce)
        return pb.ProveResponse(router_id=self._key.router_id, public_key=self._public, signature=signature)
