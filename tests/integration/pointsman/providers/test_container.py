"""Machines that are containers: how they are begun, and what of others is left alone."""

import os
import shutil
import stat
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pointsman.errors import ExitCode
from pointsman.providers.container import ContainerProvider, found
from pointsman.providers.program import run
from pointsman.providers.provider import BOOT, ProviderError, State, Unsure, name_of
from tests.integration.pointsman.providers.scenes import WANTED, ContainerScene

KEY, NAME = WANTED.key, name_of(WANTED.key)


@pytest.fixture
def scene(tmp_path: Path) -> ContainerScene:
    return ContainerScene(tmp_path)


def begun(scene: ContainerScene) -> list[str]:
    [words] = [words for words in scene.docker.said if words[0] == "run"]
    return words


def test_it_has_no_rights_and_its_token_is_in_a_file(scene: ContainerScene) -> None:
    scene.provider.ensure(WANTED)
    words = begun(scene)
    token = scene.folder / NAME

    assert {"--cap-drop", "ALL", "no-new-privileges", "--pids-limit", "--memory"} <= set(words)
    assert "--privileged" not in words
    assert f"type=bind,source={token},target=/run/pointsman/join-token,readonly" in words
    assert not any(WANTED.join_token in word for word in words)
    assert token.read_text() == WANTED.join_token
    assert stat.S_IMODE(scene.folder.stat().st_mode) == 0o700
    assert words[-3:] == [WANTED.image, "-c", BOOT]


def test_what_it_is_told_of_the_router_comes_in_its_environment(scene: ContainerScene) -> None:
    scene.provider.ensure(WANTED)

    assert [word for word in begun(scene) if word.startswith("--env")] == [
        "--env=POINTSMAN_DATA_DIR=/var/lib/pointsman",
        "--env=POINTSMAN_ROUTER=router.example.org:7443",
    ]


def test_its_token_is_gone_with_it(scene: ContainerScene) -> None:
    scene.provider.ensure(WANTED)
    scene.provider.destroy(KEY)

    assert list(scene.folder.iterdir()) == []


def test_one_that_never_enrolled_gets_the_new_token(scene: ContainerScene) -> None:
    scene.provider.ensure(WANTED)
    scene.docker.containers[NAME]["state"] = "exited"
    again = scene.provider.ensure(replace(WANTED, join_token="pmj_again"))

    assert again.state is State.RUNNING
    assert (scene.folder / NAME).read_text() == "pmj_again"


def test_of_two_calls_at_once_one_makes_it(scene: ContainerScene) -> None:
    other = ContainerProvider("docker", scene.folder, scene.docker)
    scene.docker.before["run"] = lambda: other.ensure(WANTED)  # between its look and its run
    made = scene.provider.ensure(WANTED)

    assert (made.state, scene.machines(), scene.disks()) == (State.RUNNING, 1, 1)


def test_what_others_made_is_not_listed_and_not_touched(scene: ContainerScene) -> None:
    scene.docker.containers["database"] = {"label": "x=y", "state": "running", "volume": "data"}
    scene.docker.containers[NAME] = {"label": "pointsman.machine=other", "state": "running", "volume": "data"}

    assert [each.key for each in scene.provider.listed()] == ["other"]
    with pytest.raises(ProviderError, match="not made here"):
        scene.provider.destroy(KEY)
    assert scene.machines() == 2


@pytest.mark.parametrize("word", ["inspect", "run"])
def test_what_docker_says_is_told(scene: ContainerScene, word: str) -> None:
    scene.docker.fail[word] = "Cannot connect to the Docker daemon\x1b[2J. Is it running?\n"
    with pytest.raises(ProviderError, match=r"Cannot connect to the Docker daemon \[2J\. Is it running\?"):
        scene.provider.ensure(WANTED)

    assert scene.machines() == 0


def test_a_look_that_fails_is_no_proof_that_there_are_none(scene: ContainerScene) -> None:
    scene.provider.ensure(WANTED)
    scene.docker.fail["ps"] = "the daemon is ill"

    with pytest.raises(ProviderError, match="ill"):
        scene.provider.listed()


def test_a_state_that_nobody_knows_is_broken(scene: ContainerScene) -> None:
    scene.provider.ensure(WANTED)
    scene.docker.containers[NAME]["state"] = "dead"

    assert [each.state for each in scene.provider.listed()] == [State.BROKEN]


def test_a_program_is_run_for_so_long_and_its_words_are_heard(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\n[ "$1" = slow ] && exec sleep 60\necho "$2"; echo why >&2; exit 3\n')
    docker.chmod(0o700)
    done = run([str(docker), "inspect", "a b"], 60)
    with pytest.raises(Unsure, match="did not end"):
        run([str(docker), "slow"], 0.05)
    with pytest.raises(ProviderError, match="cannot be run"):
        run([str(tmp_path / "podman"), "ps"], 60)

    assert (done.code, done.out, done.error) == (3, "a b\n", "why\n")
    assert found(str(tmp_path)) == "docker"
    assert found(str(tmp_path / "nowhere")) is None


def test_what_it_is_begun_with_is_what_our_commands_take(tmp_path: Path) -> None:
    """Up to the router, which is not there."""
    ours = tmp_path / "pointsman"
    ours.write_text(f'#!/bin/sh\nexec {sys.executable} -I -m pointsman "$@"\n')
    ours.chmod(0o700)
    token = tmp_path / "token"
    token.write_text("pmj_once")
    environ = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path), "POINTSMAN_DATA_DIR": str(tmp_path / "data"),
        "POINTSMAN_ROUTER": "127.0.0.1:1",
    }  # fmt: skip
    boot = BOOT.replace("/run/pointsman/join-token", str(token))
    done = subprocess.run(["sh", "-c", boot], env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert "127.0.0.1:1" in done.stderr
    assert done.returncode == ExitCode.NOT_REACHABLE


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
def test_docker_itself_takes_what_is_said_to_it(tmp_path: Path) -> None:
    """The real program reads its command line before it looks for its daemon, of which there need be none."""
    scene = ContainerScene(tmp_path)
    scene.provider.ensure(WANTED)
    scene.provider.stop(KEY)
    scene.provider.start(KEY)
    scene.provider.listed()
    scene.provider.destroy(KEY)
    scene.docker.volumes.add(NAME)
    scene.docker.fail["volume"] = "in use"
    with suppress(ProviderError):
        scene.provider.destroy(KEY)
    nowhere = f"unix://{tmp_path / 'nowhere'}"
    said = {tuple(words) for words in scene.docker.said}
    answers = {words[0]: run(["docker", "--host", nowhere, *words], 60) for words in sorted(said)}

    assert {"run", "start", "stop", "ps", "inspect", "rm", "volume"} <= set(answers)
    for answer in answers.values():
        assert answer.code
        assert "connect" in answer.error.lower(), answer.error
