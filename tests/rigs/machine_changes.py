"""Changes of which machines may come, made through a running router; each returns what the audit calls it."""

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.integration.router.harness import RouterUnderTest


def a_join_token(router: RouterUnderTest) -> str:
    return router.control.CreateJoinToken(pb.CreateJoinTokenRequest(machine_id="devbox")).token_id


def a_revoked_join_token(router: RouterUnderTest) -> str:
    token_id = a_join_token(router)
    router.control.RevokeJoinToken(pb.RevokeJoinTokenRequest(token_id=token_id))
    return token_id


def a_machine(router: RouterUnderTest) -> str:
    return router.machine("devbox").machine_id


def a_revoked_machine(router: RouterUnderTest) -> str:
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id=router.machine("devbox").machine_id))
    return "devbox"


def a_policy(router: RouterUnderTest) -> str:
    machine_id = router.machine("devbox").machine_id
    policy = types.MachinePolicy(no_starts=True)
    router.control.SetMachinePolicy(pb.SetMachinePolicyRequest(machine_id=machine_id, policy=policy))
    return machine_id


def a_binding(router: RouterUnderTest) -> str:
    machine_id = router.machine("devbox").machine_id
    binding = pb.Binding(transport="github", space="5", name="acme/api", machine_id=machine_id, writers=True)
    router.control.Bind(pb.BindRequest(binding=binding))
    return "github:5"


def an_ended_binding(router: RouterUnderTest) -> str:
    subject = a_binding(router)
    router.control.Unbind(pb.UnbindRequest(transport="github", space="5"))
    return subject


def a_wish_for_a_key(router: RouterUnderTest) -> str:
    machine_id = a_machine(router)
    router.control.RotateMachineKey(pb.RotateMachineKeyRequest(machine_id=machine_id))
    return machine_id


def a_replaced_key(router: RouterUnderTest) -> str:
    machine = router.machine("devbox")
    machine.rotate(Ed25519PrivateKey.generate())
    return machine.machine_id
