"""A backup holds every secret text: it is written for its owner alone, and where it was asked for."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


def refused(router: RouterUnderTest, path: Path) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as error:
        router.control.Backup(pb.BackupRequest(path=str(path)))
    return error.value


def test_nobody_else_may_read_it_whatever_the_umask_is(router: RouterUnderTest, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        router.control.Backup(pb.BackupRequest(path=str(tmp_path / "copy.db")))
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


def test_a_link_to_nothing_is_not_followed(router: RouterUnderTest, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "elsewhere.db")

    assert reason_of(refused(router, tmp_path / "link.db")) == "INVALID_ARGUMENT"
    assert not (tmp_path / "elsewhere.db").exists()


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_may_write_to_is_refused(router: RouterUnderTest, tmp_path: Path, mode: int) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(mode)

    assert "others may write" in str(refused(router, shared / "copy.db").details())  # type: ignore[attr-defined]
    assert not list(shared.iterdir())


def test_a_folder_like_tmp_will_do(router: RouterUnderTest, tmp_path: Path) -> None:
    sticky = tmp_path / "sticky"
    sticky.mkdir()
    sticky.chmod(0o1777)

    assert router.control.Backup(pb.BackupRequest(path=str(sticky / "copy.db"))).bytes > 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_account_is_refused(router: RouterUnderTest, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)

    assert "others may write" in str(refused(router, theirs / "copy.db").details())  # type: ignore[attr-defined]
