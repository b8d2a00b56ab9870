"""What each provider promises: five verbs that may be said again, and never two machines for one key."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pointsman.providers.provider import ProviderError, State, Unsure, Wanted
from tests.integration.pointsman.providers.scenes import WANTED, ContainerScene, ProcessScene, Scene, fly_scene

KEY = WANTED.key


@pytest.fixture(params=["container", "fly", "process"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    if request.param == "container":
        yield ContainerScene(tmp_path)
    elif request.param == "process":
        with closing(ProcessScene(tmp_path)) as process:
            yield process
    else:
        with fly_scene() as made:
            yield made


def states(scene: Scene) -> list[tuple[str, State]]:
    return [(each.key, each.state) for each in scene.provider.listed()]


def test_it_is_made_once_however_often_it_is_wanted(scene: Scene) -> None:
    made = [scene.provider.ensure(WANTED) for _ in range(3)]

    assert {each.state for each in made} == {State.RUNNING}
    assert len({each.reference for each in made}) == 1
    assert (scene.machines(), scene.disks()) == (1, 1)


def test_it_stops_and_starts_and_keeps_its_disk(scene: Scene) -> None:
    scene.provider.ensure(WANTED)
    stopped = [scene.provider.stop(KEY).state for _ in range(2)]
    disks = scene.disks()
    started = [scene.provider.start(KEY).state for _ in range(2)]

    assert stopped == [State.STOPPED] * 2
    assert started == [State.RUNNING] * 2
    assert disks == scene.disks() == scene.machines() == 1


def test_one_that_sleeps_is_woken_by_being_wanted(scene: Scene) -> None:
    scene.provider.ensure(WANTED)
    scene.provider.stop(KEY)
    woken = scene.provider.ensure(replace(WANTED, join_token=""))  # it has enrolled long since

    assert woken.state is State.RUNNING
    assert scene.machines() == 1


def test_it_is_destroyed_with_its_disk_and_so_is_one_that_never_was(scene: Scene) -> None:
    scene.provider.ensure(WANTED)
    for _ in range(2):
        scene.provider.destroy(KEY)

    assert (scene.machines(), scene.disks(), states(scene)) == (0, 0, [])


def test_each_key_has_its_own(scene: Scene) -> None:
    keys = ["acme/api#7", "acme/api-7", "ACME/api#7", "x" * 128]
    for key in keys:
        scene.provider.ensure(replace(WANTED, key=key))
    scene.provider.destroy("acme/api-7")
    scene.provider.stop("ACME/api#7")

    assert dict(states(scene)) == {
        "acme/api#7": State.RUNNING, "ACME/api#7": State.STOPPED, "x" * 128: State.RUNNING,
    }  # fmt: skip


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_of_one_that_is_not_there_that_is_said(scene: Scene, verb: str) -> None:
    with pytest.raises(ProviderError, match="There is no"):
        getattr(scene.provider, verb)(KEY)


def test_none_is_made_that_could_not_enrol(scene: Scene) -> None:
    with pytest.raises(ProviderError, match="join token"):
        scene.provider.ensure(replace(WANTED, join_token=""))

    assert (scene.machines(), scene.disks()) == (0, 0)


@pytest.mark.parametrize("verb", ["ensure", "start", "stop", "destroy"])
def test_whoever_hears_no_answer_says_it_again_and_it_is_done_once(scene: Scene, verb: str) -> None:
    if verb != "ensure":
        scene.provider.ensure(WANTED)
    if verb == "start":
        scene.provider.stop(KEY)
    scene.lose_answer(verb)
    said = WANTED if verb == "ensure" else KEY
    for _ in range(2):
        try:
            getattr(scene.provider, verb)(said)
        except Unsure:
            continue

    ends = {"stop": [(KEY, State.STOPPED)], "destroy": []}
    assert states(scene) == ends.get(verb, [(KEY, State.RUNNING)])
    assert scene.machines() == scene.disks() == len(states(scene))


@pytest.mark.parametrize("key", ["", "-rf", "a b", "a\nb", "x" * 129, "--volume=/:/host", "ä"])
def test_what_is_no_key_reaches_nobody(scene: Scene, key: str) -> None:
    for verb in (scene.provider.start, scene.provider.stop, scene.provider.destroy):
        with pytest.raises(ValueError, match="letters"):
            verb(key)
    with pytest.raises(ValueError, match="letters"):
        Wanted(key, "image")

    assert scene.machines() == 0
