"""`pointsman audit` against a real router and its files: whoever changed the audit behind its back is found out."""

import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from agentlink.v1 import control_pb2 as pb
from click.testing import CliRunner, Result

from pointsman.group import pointsman
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.waiting import wait_until

Run = Callable[..., Result]
DAY = 24 * 3600.0
TRIGGERS = ("audit_follows", "audit_unchanged", "audit_kept", "audit_anchor_moves")
COLUMNS = "at, event, kind, identity, label, claimed, peer, subject, detail, previous, digest"
OTHER = "(SELECT digest FROM audit_entries WHERE number = 1)"

# What somebody who can write the file might do, once they have dropped the triggers; and the first entry that tells.
FORGERIES = {
    "changed": (["UPDATE audit_entries SET label = 'somebody else' WHERE number = 3"], 3),
    "removed": (["DELETE FROM audit_entries WHERE number = 3"], 3),
    "inserted": (
        [
            "UPDATE audit_entries SET number = number + 100 WHERE number > 2",
            "UPDATE audit_entries SET number = number - 99 WHERE number > 100",
            f"INSERT INTO audit_entries SELECT 3, {COLUMNS} FROM audit_entries WHERE number = 2",
        ],
        3,
    ),
    "swapped": (
        [
            "UPDATE audit_entries SET number = 99 WHERE number = 2",
            "UPDATE audit_entries SET number = 2 WHERE number = 3",
            "UPDATE audit_entries SET number = 3 WHERE number = 99",
        ],
        2,
    ),
    "cut at its oldest end": (["DELETE FROM audit_entries WHERE number = 1"], 1),
    "anchored elsewhere": ([f"UPDATE audit_anchors SET digest = {OTHER}"], 1),
}


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    """One with five entries."""
    with serving(config(data_dir, audit_days=30)) as router:
        for number in range(4):
            router.control.CreateApiKey(pb.CreateApiKeyRequest(label=f"key {number}", role=pb.ROLE_VIEWER))
        yield router


@pytest.fixture
def run(router: RouterUnderTest, data_dir: Path) -> Run:
    def invoke(*arguments: str, key: str = API_KEY) -> Result:
        environ = {"POINTSMAN_DATA_DIR": str(data_dir / "client"), "POINTSMAN_API_KEY": key}
        return CliRunner().invoke(pointsman, arguments, env=environ | {"POINTSMAN_ROUTER": router.address})

    return invoke


def forge(file: Path, statements: list[str]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for trigger in TRIGGERS:
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)


def backed_up(router: RouterUnderTest) -> Path:
    copy = router.config.data_dir / "copy.db"
    router.control.Backup(pb.BackupRequest(path=str(copy)))
    return copy


def head(run: Run) -> str:
    return run("audit").stdout.splitlines()[-1].removeprefix("head ")


def test_it_lists_who_did_what_and_where_it_ends(run: Run) -> None:
    listed = json.loads(run("audit", "--json").stdout)

    assert [entry["event"] for entry in listed] == ["settings_key_taken", *["key_created"] * 4]
    assert [entry["number"] for entry in listed] == [1, 2, 3, 4, 5]
    assert listed[1]["label"] == "from the settings"
    assert head(run) == f"5:{listed[4]['digest']}"


def test_only_an_admin_reads_it(router: RouterUnderTest, run: Run) -> None:
    refused = run("audit", key=router.key(pb.ROLE_OPERATOR))

    assert refused.exit_code == 4


def test_one_that_nobody_touched_is_proven(router: RouterUnderTest, run: Run) -> None:
    proven, of_backup = run("audit", "--verify"), run("audit", "--verify", "--file", str(backed_up(router)))

    assert (proven.exit_code, of_backup.exit_code) == (0, 0)
    assert proven.stdout.startswith("as written: 5 entries, head 5:")
    assert of_backup.stdout.startswith("as written: 6 entries, head 6:")  # a backup holds its own entry


@pytest.mark.parametrize(("statements", "first"), FORGERIES.values(), ids=FORGERIES)
def test_by_the_router_the_first_forged_entry_is_named(
    router: RouterUnderTest, run: Run, statements: list[str], first: int
) -> None:
    forge(router.config.database_path, statements)

    found = run("audit", "--verify")

    assert found.exit_code == 1
    assert f"entry {first} " in found.stderr


@pytest.mark.parametrize(("statements", "first"), FORGERIES.values(), ids=FORGERIES)
def test_in_a_backup_too_without_a_router(router: RouterUnderTest, run: Run, statements: list[str], first: int) -> None:
    copy = backed_up(router)
    router.control.Cleanup(pb.CleanupRequest())
    forge(copy, statements)

    found = run("audit", "--verify", "--file", str(copy))

    assert found.exit_code == 1
    assert f"entry {first} " in found.stderr


def test_what_was_cut_off_at_the_newest_end_is_found_by_a_noted_head_alone(router: RouterUnderTest, run: Run) -> None:
    noted = head(run)
    forge(router.config.database_path, ["DELETE FROM audit_entries WHERE number = 5"])

    alone, compared = run("audit", "--verify"), run("audit", "--verify", "--noted", noted)

    assert (alone.exit_code, compared.exit_code) == (0, 1)
    assert "entry 5 was noted, and was cut off" in compared.stderr


def test_a_noted_head_is_still_good_when_more_came(router: RouterUnderTest, run: Run) -> None:
    noted = head(run)
    router.control.Cleanup(pb.CleanupRequest())

    assert run("audit", "--noted", noted).exit_code == 0
    assert run("audit", "--noted", "5:" + "0" * 64).exit_code == 1
    assert run("audit", "--noted", "nonsense").exit_code == 2


def test_a_file_that_is_no_database_is_no_proof(data_dir: Path, run: Run) -> None:
    file = data_dir / "notes.txt"
    file.write_text("not a database, but long enough to look like a file of somebody's" * 20)

    found = run("audit", "--verify", "--file", str(file))

    assert found.exit_code == 1
    assert "no router's database" in found.stderr


def test_it_is_kept_as_long_as_the_settings_say_and_stays_proven(router: RouterUnderTest, run: Run) -> None:
    router.advance(31 * DAY)
    wait_until(lambda: json.loads(run("audit", "--json").stdout) == [])
    router.control.CreateApiKey(pb.CreateApiKeyRequest(label="later", role=pb.ROLE_VIEWER))

    listed = json.loads(run("audit", "--json").stdout)
    proven = run("audit", "--verify")

    assert [entry["number"] for entry in listed] == [6]
    assert (proven.exit_code, proven.stdout.split(",")[0]) == (0, "as written: 1 entries")


def test_export_has_it_for_an_admin_and_says_so_to_others(router: RouterUnderTest, run: Run) -> None:
    exported, left_out = run("export"), run("export", key=router.key(pb.ROLE_VIEWER))

    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [line["number"] for line in lines if line["type"] == "audit"] == [1, 2, 3, 4, 5]
    assert left_out.exit_code == 0
    assert "audit is left out" in left_out.stderr


def test_its_head_is_in_the_log_at_a_start_and_each_day(
    router: RouterUnderTest, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    newest = head(run)

    router.advance(DAY + 1)
    wait_until(lambda: f"the audit ends with {newest}" in caplog.text)
    caplog.clear()
    router.restart()

    assert "the audit ends with 5:" in caplog.text
