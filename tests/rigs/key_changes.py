"""Changes of who may call, made through a running router; each returns what the audit calls it."""

from agentlink.v1 import control_pb2 as pb

from tests.integration.router.harness import RouterUnderTest


def key(router: RouterUnderTest, role: "pb.Role.ValueType", label: str = "laptop") -> pb.CreateApiKeyResponse:
    return router.control.CreateApiKey(pb.CreateApiKeyRequest(label=label, role=role))


def an_api_key(router: RouterUnderTest) -> str:
    return key(router, pb.ROLE_VIEWER).key.key_id


def a_rotated_key(router: RouterUnderTest) -> str:
    made = an_api_key(router)
    router.control.RotateApiKey(pb.RotateApiKeyRequest(key_id=made))
    return made


def a_revoked_key(router: RouterUnderTest) -> str:
    made = an_api_key(router)
    router.control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=made))
    return made
