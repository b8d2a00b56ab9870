"""What docker and Fly have and nobody knows of: looked for by their own word, and deleted only by it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pointsman.providers.orphans import Decision, sweep
from pointsman.providers.provider import ProviderError, name_of
from tests.integration.pointsman.providers.scenes import WANTED, ContainerScene, FlyScene, fly_scene

OURS, THEIRS = "f" * 43, "g" * 43
MADE, NEVER = "2026-11-30T07:00:00.123456789Z", "0001-01-01T00:00:00Z"
NOW = datetime(2026, 12, 2, tzinfo=UTC).timestamp()
NAME = name_of(WANTED.key)


@pytest.fixture
def scene(tmp_path: Path) -> ContainerScene:
    """A container that was made for us, and whose maker died before it was started."""
    scene = ContainerScene(tmp_path)
    scene.provider.ensure(replace(WANTED, join_token=f"pmj_once.{OURS}"))
    scene.docker.containers[NAME] |= {"state": "created", "started": NEVER, "created": MADE}
    return scene


def swept(scene: ContainerScene | FlyScene, *known: str, dry_run: bool = False) -> list[Decision]:
    return sweep("there", scene.provider, OURS, known, NOW, dry_run=dry_run)


def test_one_that_was_never_started_goes_and_its_disk_stays_and_is_told_of(scene: ContainerScene) -> None:
    shown = swept(scene, dry_run=True)
    there = scene.machines()
    done = swept(scene)

    assert shown == done == [Decision("there", WANTED.key, f"id-{NAME}", True, "nobody knows of it, and it never ran")]
    assert (there, scene.machines(), scene.disks()) == (1, 0, 1)
    assert [(each.reference, each.goes) for each in swept(scene)] == [(NAME, False)]


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "running"}, {"state": "exited", "started": MADE}, {"state": "created", "started": MADE},
        {"state": "dead"}, {"owner": ""}, {"owner": THEIRS}, {"created": ""}, {"created": "yesterday"},
        {"created": "2026-12-01T23:59:00Z"}, {"created": "2026-99-30T07:00:00Z"},
        {"created": "2026-11-30 07:00:00 +0200 CEST"}, {"label": "x=y"},
    ],
    ids=str,
)  # fmt: skip
def test_whatever_is_not_proven_stays(scene: ContainerScene, changed: dict[str, str]) -> None:
    scene.docker.containers[NAME] |= changed
    decided = swept(scene)

    assert not any(each.goes for each in decided)
    assert (scene.machines(), scene.disks()) == (1, 1)


def test_another_routers_is_not_even_told_of(scene: ContainerScene) -> None:
    scene.docker.containers[NAME]["owner"] = THEIRS

    assert swept(scene) == []


def test_what_the_router_knows_is_nobodys_business(scene: ContainerScene) -> None:
    assert swept(scene, WANTED.key) == []


@pytest.mark.parametrize("word", ["ps", "inspect", "volume"])
@pytest.mark.parametrize("trouble", ["fail", "silence"])
def test_a_look_that_fails_deletes_nothing(scene: ContainerScene, word: str, trouble: str) -> None:
    if trouble == "fail":
        scene.docker.fail[word] = "the daemon is ill"
    else:
        scene.docker.lose.add(word)
    with pytest.raises(ProviderError):
        swept(scene)

    assert (scene.machines(), scene.disks()) == (1, 1)


def test_half_a_list_is_no_list(scene: ContainerScene) -> None:
    """A second one is broken: whoever says half of it may say the other half wrongly."""
    scene.docker.containers["other"] = {"label": "pointsman.machine=a\tb", "state": "created", "volume": "other"}
    with pytest.raises(ProviderError, match="no container"):
        swept(scene)

    assert scene.machines() == 2


@pytest.mark.parametrize(
    "between",
    [
        lambda scene: scene.docker.containers[NAME].update(state="running"),
        lambda scene: scene.docker.fail.update(rm="the daemon is ill"),
    ],
    ids=["started meanwhile", "ill"],
)
def test_what_its_provider_refuses_to_remove_is_told_of(
    scene: ContainerScene, between: Callable[[ContainerScene], None]
) -> None:
    scene.docker.before["rm"] = lambda: between(scene)
    [decided] = swept(scene)

    assert (decided.goes, scene.machines()) == (False, 1)
    assert "could not be removed" in decided.why


def test_of_fly_nothing_is_ever_deleted_and_what_is_nobodys_is_told_of() -> None:
    with fly_scene() as scene:
        for key, owner in (("ours", OURS), ("theirs", THEIRS), ("known", OURS), ("old", "")):
            scene.clock.sleep(60)
            scene.provider.ensure(replace(WANTED, key=key, join_token=f"pmj_once.{owner}"))
        disk = scene.fly.volumes["vol_1"] | {"id": "vol_9", "name": "pm_" + "0" * 20, "attached_machine_id": None}
        scene.fly.volumes["vol_9"] = disk
        scene.clock.sleep(60)
        decided = swept(scene, "known")

        assert [(each.machine, each.goes) for each in decided] == [("ours", False), ("old", False), ("", False)]
        assert (scene.machines(), scene.disks()) == (4, 5)
        for call, why in (("GET /machines", "ill"), ("GET /volumes", "ill")):
            scene.clock.sleep(60)
            scene.fly.fail[call] = (503, "ill")
            with pytest.raises(ProviderError, match=why):
                swept(scene)
