"""A machine's key is replaced by itself alone, and what it replaced is worth nothing from then on."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from router.domain.audit import AuditEntry, AuditEvent
from router.domain.errors import Reason, Refusal
from router.domain.frames import Hello
from router.domain.gates import Requirements
from router.domain.machine_key import LEAST_AGE
from router.link.hub import Link
from router.store import audit
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent
from tests.waiting import wait_until

DAY = 24 * 3600.0
PURPOSE = b"pointsman machine key v1"


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir, requirements=Requirements(credential_days=30))) as router:
        yield router


@pytest.fixture
def machine(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


def new_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def with_key_of(machine: ThinAgent, router: RouterUnderTest) -> ThinAgent:
    """Somebody who has the machine's key as it is now."""
    copy = router.stranger("devbox")
    copy.key, copy.router_id = machine.key, machine.router_id
    return copy


def told(router: RouterUnderTest, event: AuditEvent) -> list[AuditEntry]:
    return [each for each in router.read(lambda c: audit.after(c, 0, 0.0, 1000)) if each.event == event.value]


def listed(router: RouterUnderTest) -> types.Machine:
    [found] = router.control.ListMachines(pb.ListMachinesRequest()).machines
    return found


def refused(machine: ThinAgent) -> str:
    """Why a call with its credential is not looked at; empty where it is."""
    metadata = [("authorization", f"Bearer {machine.token()}")]
    with grpc.insecure_channel(machine.address) as channel, pytest.raises(grpc.RpcError) as error:
        AgentLinkStub(channel).GetPart(link_pb.GetCommandPartRequest(command_id="c"), metadata=metadata, timeout=30)
    return "" if error.value.code() is grpc.StatusCode.NOT_FOUND else reason_of(error.value)


def not_rotated(machine: ThinAgent, key: Ed25519PrivateKey, **changes: bytes) -> str:
    with pytest.raises(grpc.RpcError) as error:
        machine.rotate(key, **changes)
    return reason_of(error.value)


def test_from_then_on_the_new_key_is_good_and_the_old_one_is_not(router: RouterUnderTest, machine: ThinAgent) -> None:
    old = with_key_of(machine, router)

    machine.rotate(new_key())

    assert refused(machine) == ""
    assert refused(old) == "KEY_REPLACED"
    with machine.connected() as link:
        assert link.epoch == 1


def test_a_link_that_the_old_key_opened_ends(router: RouterUnderTest, machine: ThinAgent) -> None:
    session_id = router.session(machine)
    link = with_key_of(machine, router).dial()
    link.welcome()

    machine.rotate(new_key())

    code, error = link.ended()
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert error is not None
    assert reason_of(error) == "KEY_REPLACED"
    link.lose()
    with machine.connected() as link:
        router.send(session_id, "for the new key")
        assert link.commands(1)[0].action.input.text == "for the new key"


def test_a_hello_that_comes_behind_the_change_opens_none(router: RouterUnderTest, machine: ThinAgent) -> None:
    """Whoever was let in with the old key, and has not said hello yet."""
    link = Link("devbox", machine.public_key, batches=False, max_in_flight=8)
    hello = Hello("devbox", "i", "inbox", "outbox", 0, "1", 1, 1, frozenset(), 0, ())
    upstream = router.router.servicers.links._services.upstream
    machine.rotate(new_key())

    with pytest.raises(Refusal) as error:
        router.write(lambda tx: upstream.open(tx, link, hello))

    assert error.value.reason is Reason.KEY_REPLACED


def test_said_twice_it_is_once(router: RouterUnderTest, machine: ThinAgent) -> None:
    """By the new key, where the answer was lost."""
    machine.rotate(key := new_key())
    made_at = listed(router).key_made_at
    router.advance(60)

    machine.rotate(key)

    assert listed(router).key_made_at == made_at
    assert len(told(router, AuditEvent.MACHINE_KEY_REPLACED)) == 1
    assert refused(machine) == ""


def test_the_audit_tells_both_keys_and_who_asked(router: RouterUnderTest, machine: ThinAgent) -> None:
    machine.rotate(new_key())
    router.advance(LEAST_AGE)
    machine.rotate(new_key())

    first, second = told(router, AuditEvent.MACHINE_KEY_REPLACED)
    assert (first.kind, first.identity, first.subject) == ("machine", "devbox", "devbox")
    assert first.peer
    assert first.detail.partition("now ")[2] == second.detail.partition(",")[0]


def test_it_does_not_fill_the_audit(router: RouterUnderTest, machine: ThinAgent) -> None:
    machine.rotate(new_key())

    assert not_rotated(machine, new_key()) == "BUSY"

    router.advance(LEAST_AGE)
    machine.rotate(new_key())
    assert len(told(router, AuditEvent.MACHINE_KEY_REPLACED)) == 2


def test_a_credential_that_leaked_replaces_no_key(router: RouterUnderTest, machine: ThinAgent) -> None:
    """It is good for five minutes; a key that it could set would be good for ever."""
    thief = router.stranger("devbox")
    thief.router_id = machine.router_id
    token = machine.token()
    thief.token = lambda **_: token  # type: ignore[method-assign]

    assert not_rotated(thief, new_key()) == "UNAUTHENTICATED"

    assert refused(machine) == ""
    assert told(router, AuditEvent.MACHINE_KEY_REPLACED) == []


def test_a_key_that_nobody_has_is_not_taken(machine: ThinAgent) -> None:
    assert not_rotated(machine, new_key(), new_signature=bytes(64)) == "INVALID_ARGUMENT"
    assert not_rotated(machine, new_key(), public_key=b"short") == "INVALID_ARGUMENT"
    assert refused(machine) == ""


@pytest.mark.parametrize("other", ["machine", "router"])
def test_what_was_signed_for_another_is_no_use_here(machine: ThinAgent, other: str) -> None:
    names = {"machine": machine.machine_id, "router": machine.router_id, other: "another"}
    key = new_key()
    public_key = key.public_key().public_bytes_raw()
    said = b"\0".join((PURPOSE, names["router"].encode(), names["machine"].encode(), public_key))

    assert not_rotated(machine, key, old_signature=machine.key.sign(said)) == "UNAUTHENTICATED"
    assert not_rotated(machine, key, new_signature=key.sign(said)) == "INVALID_ARGUMENT"


def test_a_machine_that_was_put_out_gets_no_other_key(router: RouterUnderTest, machine: ThinAgent) -> None:
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="devbox"))

    assert not_rotated(machine, new_key()) == "MACHINE_REVOKED"


def test_a_key_that_is_too_old_for_a_link_may_still_be_replaced(router: RouterUnderTest, machine: ThinAgent) -> None:
    router.advance(31 * DAY)
    link = machine.dial()
    _, error = link.ended()
    link.lose()

    machine.rotate(new_key())

    assert error is not None
    assert reason_of(error) == "CREDENTIAL_OLD"
    with machine.connected() as link:
        assert not link.terms.key_wanted


def test_before_it_is_too_old_another_is_asked_for(router: RouterUnderTest, machine: ThinAgent) -> None:
    with machine.connected() as link:
        assert not link.terms.key_wanted
    router.advance(21 * DAY)

    with machine.connected() as link:
        assert link.terms.key_wanted
    assert listed(router).key_wanted


def test_an_admin_asks_for_another(router: RouterUnderTest, machine: ThinAgent) -> None:
    link = machine.dial()
    link.welcome()

    for _ in range(2):
        router.control.RotateMachineKey(pb.RotateMachineKeyRequest(machine_id="devbox"))
    code, _ = link.ended()
    link.lose()
    with machine.connected() as link:
        assert link.terms.key_wanted
    machine.rotate(new_key())

    assert code is grpc.StatusCode.UNAVAILABLE
    assert not listed(router).key_wanted
    assert [entry.subject for entry in told(router, AuditEvent.MACHINE_KEY_WANTED)] == ["devbox"]


@pytest.mark.parametrize(("name", "reason"), [("nobody", "NOT_FOUND"), ("devbox", "MACHINE_REVOKED")])
def test_of_a_machine_that_may_not_come_nothing_is_asked(
    router: RouterUnderTest, machine: ThinAgent, name: str, reason: str
) -> None:
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id=machine.machine_id))

    with pytest.raises(grpc.RpcError) as error:
        router.control.RotateMachineKey(pb.RotateMachineKeyRequest(machine_id=name))

    assert reason_of(error.value) == reason


def test_whoever_stole_the_key_may_replace_it_and_everybody_hears_of_it(
    router: RouterUnderTest, machine: ThinAgent
) -> None:
    """Until then they could do what the machine can; from then on its owner cannot, which is noticed."""
    thief = with_key_of(machine, router)
    with router.courier("test", "1") as courier:
        thief.rotate(new_key())
        for _ in range(3):
            assert refused(machine) == "KEY_REPLACED"

        said = courier.brought("1").notification.text
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="devbox"))
    owner = router.machine("devbox")

    assert "Somebody showed the old key of devbox" in said
    entries = wait_until(lambda: told(router, AuditEvent.REFUSED)) or []
    assert [(each.kind, each.identity, each.detail) for each in entries] == [("machine", "devbox", "KEY_REPLACED")]
    assert refused(thief) == "KEY_REPLACED"
    assert refused(machine) == "UNAUTHENTICATED"
    assert refused(owner) == ""


def test_whoever_stole_the_old_key_is_noticed_when_they_show_it(router: RouterUnderTest, machine: ThinAgent) -> None:
    thief = with_key_of(machine, router)
    machine.rotate(new_key())
    with router.courier("test", "1") as courier:
        link = thief.dial()
        _, error = link.ended()
        link.lose()

        assert "Somebody showed the old key of devbox" in courier.brought("1").notification.text
    assert error is not None
    assert reason_of(error) == "KEY_REPLACED"
    with machine.connected():
        pass


@pytest.mark.parametrize("name", ["devbox", "another"])
def test_a_join_token_does_not_bring_the_old_key_back(router: RouterUnderTest, machine: ThinAgent, name: str) -> None:
    old = with_key_of(machine, router)
    machine.rotate(new_key())

    with pytest.raises(grpc.RpcError) as error:
        old.enrol(router.join_token(), name)

    assert reason_of(error.value) == "MACHINE_REVOKED"
    assert refused(machine) == ""
