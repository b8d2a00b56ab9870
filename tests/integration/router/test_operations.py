"""What an operator relies on: health, discovery, one router per folder, full disks, backups, cleaning up."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from router.config import SettingsError
from router.store.database import Transaction
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.let_in import let_follow
from tests.integration.router.sick_disk import mended, refusing
from tests.rigs.rpc_errors import reason_of, retry_after
from tests.rigs.thin_agent import ThinAgent
from tests.waiting import wait_until

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
DAY = 24 * 3600


@pytest.fixture
def channel(router: RouterUnderTest) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(router.address) as channel:
        yield channel


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


def health(channel: grpc.Channel) -> "health_pb2.HealthCheckResponse.ServingStatus.ValueType":
    request = health_pb2.HealthCheckRequest()
    return health_pb2_grpc.HealthStub(channel).Check(request, timeout=10).status


def full(tx: Transaction) -> None:
    """No page more than there are now: as on a full disk."""
    tx.execute(f"PRAGMA max_page_count = {tx.execute('PRAGMA page_count').fetchone()[0]}")


def room(tx: Transaction) -> None:
    tx.execute("PRAGMA max_page_count = 1000000")


def until_full(router: RouterUnderTest, session: str) -> grpc.RpcError:
    """Send until the pages that are there are used up; returns the refusal."""
    router.write(full)
    while True:
        try:
            router.send(session, "x" * 60_000)
        except grpc.RpcError as error:
            return error


def count(router: RouterUnderTest) -> int:
    return len(router.control.ListCommands(pb.ListCommandsRequest(limit=1000)).commands)


def test_a_router_is_healthy(channel: grpc.Channel) -> None:
    assert health(channel) == SERVING


def test_its_services_can_be_discovered_without_files(channel: grpc.Channel) -> None:
    found = ProtoReflectionDescriptorDatabase(channel).get_services()

    assert {"agentlink.v1.AgentLink", "agentlink.v1.ChatLink", "agentlink.v1.Control", "grpc.health.v1.Health"} <= set(
        found
    )


def test_its_methods_can_be_discovered_without_files(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    file = database.FindFileContainingSymbol("agentlink.v1.Control")

    assert "SendCommand" in {method.name for method in file.service[0].method}


def test_a_second_router_on_the_same_folder_is_refused(router: RouterUnderTest) -> None:
    with pytest.raises(SettingsError, match="another router"), serving(config(router.config.data_dir)):
        pass


def test_a_second_router_on_the_same_port_is_refused(router: RouterUnderTest, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=router.address), serving(config(tmp_path, listen=router.address)):
        pass


def test_a_folder_is_free_again_after_a_start_that_failed(router: RouterUnderTest, tmp_path: Path) -> None:
    with pytest.raises(SettingsError), serving(config(tmp_path, listen=router.address)):
        pass

    with serving(config(tmp_path)) as other:
        assert other.address


def test_a_folder_is_free_again_after_a_stop(router: RouterUnderTest, session: str) -> None:
    accepted = router.send(session)
    router.restart()

    assert router.command(accepted.command_id).state == types.COMMAND_STATE_QUEUED


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"this is no database, but long enough to be one", "restore a backup"), (b"", "")],
    ids=["junk", "empty"],
)
def test_what_is_no_database_is_refused_with_a_cure(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "router.db").write_bytes(content)
    outcome = started(tmp_path)

    assert words in outcome
    assert bool(words) is bool(outcome)


def started(folder: Path) -> str:
    """Why a router does not start; empty when it does."""
    try:
        with serving(config(folder)):
            return ""
    except SettingsError as error:
        return str(error)


def test_a_database_of_a_newer_version_is_refused_with_a_cure(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "router.db")) as connection:
        connection.execute("PRAGMA user_version = 99")

    assert "newer" in started(tmp_path)


def test_a_new_folder_and_all_that_is_in_it_are_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with serving(config(folder)) as router:
        router.send(router.session(router.machine()))
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.glob("router.db*")}

    assert folder.stat().st_mode & 0o777 == 0o700
    assert modes == {"router.db": 0o600, "router.db-wal": 0o600, "router.db-shm": 0o600}


def test_a_full_disk_refuses_and_stores_nothing(router: RouterUnderTest, session: str) -> None:
    error = until_full(router, session)
    before = count(router)
    with pytest.raises(grpc.RpcError):
        router.send(session, "x" * 60_000)

    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert reason_of(error) == "STORAGE_UNAVAILABLE"
    assert retry_after(error)
    assert count(router) == before


def test_a_full_disk_is_told_to_doors_and_not_to_people(router: RouterUnderTest, session: str) -> None:
    until_full(router, session)

    with pytest.raises(grpc.RpcError) as refused:
        router.submit(HERE, "x" * 60_000, session_id=session, update_key="test:1")
    router.write(room)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert not router.submit(HERE, "x", session_id=session, update_key="test:1").duplicate


def test_a_disk_that_takes_nothing_is_unhealthy_and_heals_by_itself(
    router: RouterUnderTest, session: str, channel: grpc.Channel
) -> None:
    router.write(refusing("send", "INSERT ON commands"))
    router.write(refusing("probe", "UPDATE ON meta"))
    with pytest.raises(grpc.RpcError):
        router.send(session)
    router.advance(1)
    wait_until(lambda: health(channel) == NOT_SERVING)
    writable = router.control.GetStats(pb.GetStatsRequest()).writable
    router.write(mended("send"))
    router.write(mended("probe"))
    router.advance(1)
    wait_until(lambda: health(channel) == SERVING)

    assert not writable
    assert router.send(session).state == types.COMMAND_STATE_QUEUED


def test_a_receipt_that_cannot_be_stored_drops_the_link(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    link = agent.dial()
    link.welcome()
    command_id = router.send(session).command_id
    link.commands(1)
    let_follow(router.write, session, HERE)
    until_full(router, session)
    link.frame(
        notify={
            "upstream_seq": 1,
            "notification_id": "n",
            "session_id": session,
            "text": "x" * 60_000,
            "targets": [HERE],
        }
    )
    code, error = link.ended()
    link.lose()
    router.write(room)

    assert code is grpc.StatusCode.UNAVAILABLE
    assert error
    assert reason_of(error) == "STORAGE_UNAVAILABLE"
    assert link.waiting("upstream_ack") == 0
    with agent.connected() as again:
        assert again.commands(1)[0].command_id == command_id


def test_a_backup_is_a_whole_router(router: RouterUnderTest, session: str, tmp_path: Path) -> None:
    accepted = router.send(session, "precious")
    copy = tmp_path / "restored" / "router.db"
    copy.parent.mkdir()
    written = router.control.Backup(pb.BackupRequest(path=str(copy)))
    mode = copy.stat().st_mode & 0o777
    router.send(session, "after the backup")

    with serving(config(copy.parent)) as restored:
        found = restored.control.ListCommands(pb.ListCommandsRequest()).commands
        machines = restored.control.ListMachines(pb.ListMachinesRequest()).machines

    assert (written.bytes > 0, mode) == (True, 0o600)
    assert [command.command_id for command in found] == [accepted.command_id]
    assert [machine.machine_id for machine in machines] == ["devbox"]


@pytest.mark.parametrize("path", ["", "relative.db", "{}/no/such/folder/copy.db", "{}/router.db"])
def test_a_backup_never_overwrites_and_needs_a_folder(router: RouterUnderTest, path: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.control.Backup(pb.BackupRequest(path=path.format(router.config.data_dir)))

    assert reason_of(refused.value) == "INVALID_ARGUMENT"


def test_a_reader_after_a_backup_still_cannot_write(router: RouterUnderTest, tmp_path: Path) -> None:
    for n in range(8):  # every reader thread has made one
        router.control.Backup(pb.BackupRequest(path=str(tmp_path / f"{n}.db")))

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        router.read(lambda connection: connection.execute("DELETE FROM machines"))
