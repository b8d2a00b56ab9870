"""Mangled messages to every RPC of a running router, by who may call it: each is taken or refused, none breaks it."""

import logging
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import agent_link_pb2, chat_link_pb2, control_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from tests.fuzz.mutations import Mutator
from tests.fuzz.target import messages
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.thin_agent import ThinAgent

INPUTS = 40
OUR_FAULT = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
LASTS = {"WatchEvents", "WatchSession"}  # what it takes it answers for ever
FILES = [module.DESCRIPTOR for module in (agent_link_pb2, chat_link_pb2, control_pb2)]
METHODS = [
    method
    for file in FILES
    for service in file.services_by_name.values()
    for method in service.methods
    # A backup goes where it is told to; a join token that is wrong makes its peer wait.
    if method.name not in ("Backup", "Enroll")
]


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterUnderTest]:
    with serving(config(Path(tmp_path_factory.mktemp("raw")))) as router:
        yield router


@pytest.fixture(scope="module")
def machine(router: RouterUnderTest) -> ThinAgent:
    return router.machine("s-1")


def inputs(method: MethodDescriptor) -> list[bytes]:
    kind = GetMessageClass(method.input_type)
    oneof = next((name for name, found in kind.DESCRIPTOR.oneofs_by_name.items() if len(found.fields) > 5), "")
    mutator = Mutator([b"", *messages(kind, oneof)], len(method.name))
    return [mutator.make() for _ in range(INPUTS)]


def told(channel: grpc.Channel, method: MethodDescriptor, sent: list[bytes], metadata: object) -> grpc.StatusCode:
    path = f"/{method.containing_service.full_name}/{method.name}"
    wait = 0.2 if method.name in LASTS else 20.0
    try:
        if method.client_streaming:
            list(channel.stream_stream(path)(iter(sent), metadata=metadata, timeout=wait))
        elif method.server_streaming:
            list(channel.unary_stream(path)(sent[0], metadata=metadata, timeout=wait))
        else:
            channel.unary_unary(path)(sent[0], metadata=metadata, timeout=wait)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_each_is_taken_or_refused(
    router: RouterUnderTest, machine: ThinAgent, method: MethodDescriptor, caplog: pytest.LogCaptureFixture
) -> None:
    is_machines = method.containing_service.name == "AgentLink"
    size = 4 if method.client_streaming else 1
    tries = inputs(method)[: 8 if method.name in LASTS else INPUTS]

    with caplog.at_level(logging.ERROR), grpc.insecure_channel(router.address) as channel:
        answers = []
        for start in range(0, len(tries), size):
            key = (("authorization", f"Bearer {machine.token()}"),) if is_machines else (("x-api-key", API_KEY),)
            answers.append(told(channel, method, tries[start : start + size], key))

    assert not set(answers) & set(OUR_FAULT)
    assert [record.getMessage() for record in caplog.records] == []


def test_and_afterwards_it_serves(router: RouterUnderTest) -> None:
    with router.machine("sound").connected() as link:
        router.send(router.session(router.machine("another")))
        link.heard()

    assert router.control.GetStats(control_pb2.GetStatsRequest()).writable
