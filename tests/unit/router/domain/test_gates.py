"""Each gate: what it lets through, and what it does not."""

from datetime import time

import pytest
from msgspec.structs import replace

from router.domain.errors import Reason, Refusal
from router.domain.gates import (
    DAY,
    GATES,
    LEAST_ROOM,
    NOTHING_ASKED,
    Attempt,
    Requirements,
    Way,
    checked,
    closed,
)
from router.domain.machine import MAX_MODE, Machine, MachinePolicy, ProgramTold, sound, versions

NOON = time(12, 0)
DEVBOX = Machine(
    "devbox", b"", 0.0, agent_version="1.4.0", start_folders=("~/src", "/srv"), programs=("claude=2.1.300",),
    free_bytes=LEAST_ROOM,
)  # fmt: skip


def reasons(
    machine: Machine = DEVBOX,
    requirements: Requirements = NOTHING_ASKED,
    *,
    now: float = 0.0,
    at: time = NOON,
    folder: str | None = None,
) -> list[Reason]:
    attempt = Attempt(machine, requirements, now, at, folder)
    return [each.gate.reason for each in closed(attempt, Way.LINK, Way.START)]


def under(**policy: object) -> Machine:
    return replace(DEVBOX, policy=MachinePolicy(**policy))  # type: ignore[arg-type]


def test_all_are_open_where_nobody_asks_for_anything() -> None:
    assert reasons() == []
    assert reasons(replace(DEVBOX, agent_version="", programs=(), free_bytes=None), now=1e9) == []


def test_each_has_a_reason_of_its_own() -> None:
    assert len({gate.reason for gate in GATES}) == len(GATES)


@pytest.mark.parametrize(("days", "shut"), [(29.9, []), (30.1, [Reason.CREDENTIAL_OLD])])
def test_a_key_is_good_for_so_many_days(days: float, shut: list[Reason]) -> None:
    assert reasons(requirements=Requirements(credential_days=30), now=days * DAY) == shut


@pytest.mark.parametrize(
    ("version", "passes"),
    [("1.4.0", True), ("1.4", False), ("1.10.0", True), ("1.3.9", False), ("2", True), ("1.4.0.dev3", True),
     ("v1.5.0", True), ("", False), ("unknown", False)],
)  # fmt: skip
def test_an_agent_is_new_enough(version: str, passes: bool) -> None:
    found = reasons(replace(DEVBOX, agent_version=version), Requirements(agent="1.4.0"))

    assert found == ([] if passes else [Reason.AGENT_TOO_OLD])


@pytest.mark.parametrize(
    ("programs", "passes"),
    [(("claude=2.1.300",), True), (("claude=2.1.299",), False), (("claude=",), False), ((), False)],
)
def test_a_program_is_new_enough(programs: tuple[str, ...], passes: bool) -> None:
    found = reasons(replace(DEVBOX, programs=programs), Requirements(programs={"claude": "2.1.300", "other": "9"}))

    assert found == ([] if passes else [Reason.PROGRAM_TOO_OLD])


def test_a_policy_may_allow_no_start() -> None:
    assert reasons(under(starts=False)) == [Reason.START_NOT_ALLOWED]


@pytest.mark.parametrize(
    ("hours", "at", "passes"),
    [("08:00-18:00", NOON, True), ("08:00-18:00", time(18, 0), False), ("22:00-06:00", time(23, 30), True),
     ("22:00-06:00", NOON, False)],
)  # fmt: skip
def test_a_policy_may_name_hours(hours: str, at: time, passes: bool) -> None:
    assert reasons(under(hours=hours), at=at) == ([] if passes else [Reason.OUTSIDE_HOURS])


@pytest.mark.parametrize(
    ("folder", "passes"),
    [("~/src", True), ("~/src/api/", True), ("~/src/../.ssh", False), ("~/srcs", False), ("/etc", False),
     ("", True), ("api", False), ("~/src/a/../../src/b", True), (None, True)],
)  # fmt: skip
def test_a_policy_may_name_folders(folder: str | None, passes: bool) -> None:
    """A part of a path may be below any folder that the machine allows, so all of those must be allowed."""
    assert reasons(under(folders=("~/src/",)), folder=folder) == ([] if passes else [Reason.FOLDER_NOT_ALLOWED])


def test_a_part_of_a_path_passes_where_all_that_it_may_mean_is_allowed() -> None:
    assert reasons(under(folders=("~/src", "/srv")), folder="api") == []


def test_the_whole_disk_may_be_allowed() -> None:
    assert reasons(under(folders=("/",)), folder="/srv/x") == []


def test_a_policy_may_name_programs() -> None:
    assert reasons(under(programs=("claude",))) == []
    assert reasons(under(programs=("codex",))) == [Reason.PROGRAM_NOT_ALLOWED]


def test_a_disk_that_is_nearly_full_begins_nothing() -> None:
    assert reasons(replace(DEVBOX, free_bytes=LEAST_ROOM - 1)) == [Reason.NO_ROOM]


@pytest.mark.parametrize(
    "policy",
    [MachinePolicy(folders=("src",)), MachinePolicy(folders=("/a\nb",)), MachinePolicy(folders=("/",) * 51),
     MachinePolicy(programs=("rm -rf",)), MachinePolicy(hours="always"), MachinePolicy(hours="8-8")],
    ids=str,
)  # fmt: skip
def test_a_policy_that_means_nothing_is_refused(policy: MachinePolicy) -> None:
    with pytest.raises(Refusal) as refused:
        checked(policy)

    assert refused.value.reason is Reason.INVALID_ARGUMENT


def test_hours_are_kept_as_people_read_them() -> None:
    assert checked(MachinePolicy(hours="8-18")).hours == "08:00-18:00"


def test_of_what_a_machine_says_of_its_programs_only_words_are_kept() -> None:
    said = [("claude", "2.1.332"), ("rm -rf", "1"), ("codex", "1\x1b[2J"), ("codex", "")]
    kept = sound([ProgramTold(name, version, "\x1b[2Jdefault" * 50, "\n") for name, version in said])

    assert versions(kept) == ("claude=2.1.332", "codex=")
    assert {len(each.mode) for each in kept} == {MAX_MODE}
    assert not any("\x1b" in each.mode or each.lacks for each in kept)
