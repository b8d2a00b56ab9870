"""Somebody has the router's database, or a backup of it: it tells what was said, and opens no door."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import grpc
import jwt
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving

SECRETS = ("the API key", "a key", "a join token", "a used join token", "a machine's key")


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterUnderTest]:
    with serving(config(Path(tmp_path_factory.mktemp("stolen")))) as router:
        yield router


@pytest.fixture(scope="module")
def secrets(router: RouterUnderTest) -> dict[str, bytes]:
    """What opens doors."""
    used = router.join_token()
    machine = router.stranger("devbox")
    machine.enrol(used)
    router.send(router.session(machine, "api"), "the plan is secret")
    made = (API_KEY, router.key(pb.ROLE_OPERATOR), router.join_token(), used)
    return dict(zip(SECRETS, [*map(str.encode, made), machine.key.private_bytes_raw()], strict=True))


@pytest.fixture(scope="module", params=["database", "backup"])
def stolen(
    request: pytest.FixtureRequest,
    router: RouterUnderTest,
    secrets: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> bytes:
    assert secrets
    if request.param == "backup":
        path = tmp_path_factory.mktemp("backup") / "copy.db"
        router.control.Backup(pb.BackupRequest(path=str(path)))
        return path.read_bytes()
    router.settle()
    return b"".join(path.read_bytes() for path in sorted(router.config.data_dir.glob("router.db*")))


def test_it_tells_what_was_said(stolen: bytes) -> None:
    """What SECURITY.md says that they can."""
    assert b"the plan is secret" in stolen


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_is_in_it(stolen: bytes, secrets: dict[str, bytes], name: str) -> None:
    assert secrets[name] not in stolen
    assert secrets[name].hex().encode() not in stolen


def test_nothing_in_it_opens_a_door(router: RouterUnderTest, secrets: dict[str, bytes]) -> None:
    assert secrets
    tried = [value for value in values(router) if 8 <= len(value) <= 4096]

    opened = [value for value in tried if opens(router, value)]

    assert len(tried) > 20
    assert opened == []


def test_a_public_key_signs_nothing(router: RouterUnderTest, secrets: dict[str, bytes]) -> None:
    assert secrets
    keys = router.read(lambda connection: connection.execute("SELECT machine_id, public_key FROM machines").fetchall())
    now = router.time.now()
    claims = [{"sub": machine_id, "aud": "pointsman", "iat": now, "exp": now + 60} for machine_id, _ in keys]

    told = {
        called(router, jwt.encode(claim, key, algorithm="HS256")) for claim, (_, key) in zip(claims, keys, strict=True)
    }

    assert told == {grpc.StatusCode.UNAUTHENTICATED}


def values(router: RouterUnderTest) -> set[str]:
    """Every text and byte string of every table."""

    def read(connection: sqlite3.Connection) -> set[str]:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        cells = (cell for name in tables for row in connection.execute(f'SELECT * FROM "{name}"') for cell in row)
        return {cell.hex() if isinstance(cell, bytes) else cell for cell in cells if isinstance(cell, str | bytes)}

    return router.read(read)


def opens(router: RouterUnderTest, value: str) -> bool:
    if not value.isascii() or not value.isprintable():
        return False  # metadata carries nothing else
    try:
        router.caller(value).control.ListSessions(pb.ListSessionsRequest())
    except grpc.RpcError as error:
        return error.code() not in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED}
    return True


def called(router: RouterUnderTest, token: str) -> grpc.StatusCode:
    metadata = [("authorization", f"Bearer {token}")]
    with grpc.insecure_channel(router.address) as channel, pytest.raises(grpc.RpcError) as error:
        AgentLinkStub(channel).GetPart(link_pb.GetCommandPartRequest(command_id="c"), metadata=metadata, timeout=30)
    return error.value.code()
