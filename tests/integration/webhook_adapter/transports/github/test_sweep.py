"""What did not come by the hook is taken from GitHub's log: each once, whatever was away, and whoever died."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from pointsman.client.errors import RouterError
from tests.fakes.github.faults import FaultKind
from tests.integration.webhook_adapter.transports.github.conftest import Scene
from webhook_adapter.transports.github.inbound.access import Unknown
from webhook_adapter.transports.github.inbound.progress import ProgressFile
from webhook_adapter.transports.github.inbound.sweep import OLDEST_S, Sweep
from webhook_adapter.transports.github.outbound.http import GitHubError


@dataclass
class Taker:
    """Whoever takes deliveries."""

    taken: list[str] = field(default_factory=list)
    error: Exception | None = None

    def __call__(self, event: str, payload: object) -> None:
        if self.error:
            raise self.error
        assert event == "issue_comment"
        assert isinstance(payload, dict)
        self.taken.append(payload["comment"]["body"])


@pytest.fixture
def taker() -> Taker:
    return Taker()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.progress"


def sweep(scene: Scene, taker: Taker, path: Path) -> Sweep:
    """As after a start."""
    scene.github.events.wait_until_sent()
    return Sweep(scene.client, taker, ProgressFile(path), Event(), 1.0, scene.github.clock.now)


def says(scene: Scene, *words: str) -> None:
    for each in words:
        scene.github.writes(scene.issue, each, scene.ada)
    scene.github.events.wait_until_sent()


def test_what_nobody_could_deliver_is_taken_once_and_in_order(scene: Scene, taker: Taker, path: Path) -> None:
    says(scene, "one", "two")
    first = sweep(scene, taker, path)

    assert [first.once(), first.once()] == [0, 0]
    assert taker.taken[-2:] == ["one", "two"]
    assert len(taker.taken) == len(set(taker.taken)) + 1  # the two of the scene say the same
    says(scene, "three")
    first.once()
    assert taker.taken[-2:] == ["two", "three"]


def test_who_starts_anew_takes_nothing_twice(scene: Scene, taker: Taker, path: Path) -> None:
    sweep(scene, taker, path).once()
    before = len(taker.taken)
    says(scene, "meanwhile")

    sweep(scene, taker, path).once()
    assert taker.taken[before:] == ["meanwhile"]
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("error", [RouterError("UNAVAILABLE", "away"), Unknown("away")])
def test_what_could_not_be_stored_waits_also_for_who_starts_anew(
    scene: Scene, taker: Taker, path: Path, error: Exception
) -> None:
    taker.error = error
    waiting = sweep(scene, taker, path).once()
    taker.error = None
    scene.github.clock.advance(3600)

    assert waiting == 2
    assert sweep(scene, taker, path).once() == 0
    assert len(taker.taken) == 2


def test_a_fault_of_ours_over_one_is_given_up_for_good_and_holds_up_no_other(
    scene: Scene, taker: Taker, path: Path
) -> None:
    taker.error = ValueError("a fault")
    assert sweep(scene, taker, path).once() == 0
    taker.error = None
    says(scene, "after it")

    sweep(scene, taker, path).once()
    assert taker.taken == ["after it"]


def test_what_the_hook_brought_is_not_fetched(scene: Scene, taker: Taker, path: Path) -> None:
    sweep(scene, taker, path).once()
    fetched = len(scene.github.calls("GET", r"/app/hook/deliveries/\d+"))
    scene.github.opens(scene.repository, "nothing for us", scene.ada)
    sweep(scene, taker, path).once()

    assert len(scene.github.calls("GET", r"/app/hook/deliveries/\d+")) == fetched


def test_what_is_too_old_is_left_alone(scene: Scene, taker: Taker, path: Path) -> None:
    scene.github.events.wait_until_sent()
    scene.github.clock.advance(OLDEST_S + 1)
    says(scene, "fresh")

    sweep(scene, taker, path).once()
    assert taker.taken == ["fresh"]


def test_more_than_a_page_of_them_is_gone_through(scene: Scene, taker: Taker, path: Path) -> None:
    says(scene, *(f"number {number}" for number in range(120)))
    sweep(scene, taker, path).once()

    assert taker.taken[2:] == [f"number {number}" for number in range(120)]


def test_a_log_that_does_not_end_is_told_of(
    scene: Scene, taker: Taker, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("webhook_adapter.transports.github.inbound.sweep._MOST_PAGES", 1)
    says(scene, *(f"number {number}" for number in range(100)))
    sweep(scene, taker, path).once()

    assert len(taker.taken) == 100
    assert "longer than 1 pages" in caplog.text


def test_a_log_that_cannot_be_read_is_read_the_next_time(scene: Scene, taker: Taker, path: Path) -> None:
    looking = sweep(scene, taker, path)
    scene.github.fails(FaultKind.CUT_BEFORE, "GET", "/app/hook/deliveries.*")
    with pytest.raises(GitHubError):
        looking.once()

    assert looking.once() == 0
    assert len(taker.taken) == 2


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"since": "x", "settled": {}, "given_up": {}}', "[" * 10_000])
def test_a_file_that_is_spoilt_is_begun_anew(scene: Scene, taker: Taker, path: Path, text: str) -> None:
    path.write_text(text)

    assert sweep(scene, taker, path).once() == 0
    assert len(taker.taken) == 2


def test_a_folder_that_cannot_be_written_loses_nothing(scene: Scene, taker: Taker, tmp_path: Path) -> None:
    missing = tmp_path / "none" / "app.progress"

    assert sweep(scene, taker, missing).once() == 0
    assert len(taker.taken) == 2


def test_limits_are_kept(scene: Scene, taker: Taker, path: Path) -> None:
    sweep(scene, taker, path).once()

    assert scene.github.violations == []
