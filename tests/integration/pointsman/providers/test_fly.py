"""Machines of Fly: its pace, its regions, its disks, and answers that are lost."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from pointsman.providers.fly import FlyProvider
from pointsman.providers.fly_api import FlyApi
from pointsman.providers.provider import BOOT, Full, ProviderError, State, Unsure, name_of
from tests.fakes.fly_api import APP, ODD, TOKEN
from tests.integration.pointsman.providers.scenes import WANTED, Clock, FlyScene, fly_scene

KEY = WANTED.key


@pytest.fixture
def scene() -> Iterator[FlyScene]:
    with fly_scene("ams", "fra", "cdg") as made:
        yield made


def regions(scene: FlyScene) -> list[str]:
    return [each["region"] for each in (*scene.fly.machines.values(), *scene.fly.volumes.values())]


def test_it_is_made_as_it_was_wanted(scene: FlyScene) -> None:
    scene.provider.ensure(WANTED)
    [machine] = scene.fly.machines.values()
    [file] = machine["config"]["files"]

    assert machine["name"] == name_of(KEY)
    assert machine["config"]["image"] == WANTED.image
    assert machine["config"]["init"]["exec"] == ["sh", "-c", BOOT]
    assert machine["config"]["env"]["POINTSMAN_ROUTER"] == "router.example.org:7443"
    assert base64.b64decode(file["raw_value"]).decode() == WANTED.join_token
    assert WANTED.join_token not in str(machine["config"]["env"])


def test_it_is_never_asked_more_often_than_it_takes(scene: FlyScene) -> None:
    for _ in range(12):
        scene.provider.ensure(WANTED)
        scene.provider.stop(KEY)

    assert scene.fly.violations == 0
    assert sum(scene.clock.slept) > 12


def test_where_it_takes_no_more_it_is_asked_later_and_not_at_once(scene: FlyScene) -> None:
    scene.fly.fail["POST /machines"] = (429, "slow down")
    scene.provider.ensure(WANTED)

    assert sum(scene.clock.slept) >= 1
    assert scene.machines() == 1


def test_a_region_without_room_is_followed_by_the_next_and_leaves_no_disk(scene: FlyScene) -> None:
    scene.fly.room = {"ams": 0, "fra": 0}
    scene.provider.ensure(WANTED)

    assert regions(scene) == ["cdg", "cdg"]


def test_where_there_is_no_room_at_all_nothing_is_left(scene: FlyScene) -> None:
    scene.fly.room = dict.fromkeys(("ams", "fra", "cdg"), 0)
    with pytest.raises(Full, match="no room in ams, fra, cdg"):
        scene.provider.ensure(WANTED)

    assert (scene.machines(), scene.disks()) == (0, 0)


def test_a_disk_that_was_there_before_is_used_and_never_deleted_for_want_of_room(scene: FlyScene) -> None:
    scene.fly.lose.add("POST /volumes")
    with pytest.raises(Unsure):
        scene.provider.ensure(WANTED)
    [disk] = scene.fly.volumes
    scene.fly.room = {"ams": 0}
    with pytest.raises(Full):
        scene.provider.ensure(WANTED)
    kept = list(scene.fly.volumes)
    scene.fly.room = {}
    scene.provider.ensure(WANTED)

    assert kept == list(scene.fly.volumes) == [disk]
    assert regions(scene) == ["ams", "ams"]


def test_one_that_was_made_though_nobody_heard_of_it_is_the_one(scene: FlyScene) -> None:
    scene.fly.lose.add("POST /machines")
    made = scene.provider.ensure(WANTED)

    assert made.state is State.RUNNING
    assert (scene.machines(), scene.disks()) == (1, 1)


def test_an_error_of_its_own_leaves_it_in_doubt_and_the_next_call_goes_on(scene: FlyScene) -> None:
    scene.fly.fail["POST /machines"] = (502, "bad gateway")
    with pytest.raises(Unsure, match="502: bad gateway"):
        scene.provider.ensure(WANTED)
    scene.provider.ensure(WANTED)

    assert (scene.machines(), scene.disks()) == (1, 1)


@pytest.mark.parametrize("call", ["POST /volumes", "POST /machines"])
def test_two_calls_at_once_make_one_machine(scene: FlyScene, call: str) -> None:
    other = FlyProvider(scene.api, ("fra",))
    scene.fly.before[call] = lambda: other.ensure(WANTED)  # between its look and that
    made = scene.provider.ensure(WANTED)

    assert [each.reference for each in scene.provider.listed()] == [made.reference]
    assert (scene.machines(), scene.disks()) == (1, 1)


@pytest.mark.parametrize("trouble", ["429", "408", "503", "lost", *ODD])
@pytest.mark.parametrize("verb", ["ensure", "start", "stop", "destroy"])
def test_whatever_meets_whichever_of_its_calls_it_is_done_once_in_the_end(
    scene: FlyScene, verb: str, trouble: str
) -> None:
    ends = {"stop": [State.STOPPED], "destroy": []}.get(verb, [State.RUNNING])
    at = met = 1
    while met >= at:  # until it makes no call of that number
        begin(scene, verb)
        scene.fly.count, scene.fly.trouble = 0, {at: trouble}
        said(scene, verb)
        met, scene.fly.trouble = scene.fly.count, {}
        said(scene, verb)  # whoever was answered wrongly does not know

        assert [each.state for each in scene.provider.listed()] == ends
        assert scene.machines() == scene.disks() == len(ends)
        scene.clock.sleep(60)
        scene.provider.destroy(KEY)
        at += 1


def begin(scene: FlyScene, verb: str) -> None:
    """What has to be before that verb."""
    if verb != "ensure":
        scene.provider.ensure(WANTED)
    if verb == "start":
        scene.provider.stop(KEY)


def said(scene: FlyScene, verb: str) -> None:
    scene.clock.sleep(60)
    with suppress(ProviderError):
        getattr(scene.provider, verb)(WANTED if verb == "ensure" else KEY)


def test_one_that_only_drips_is_given_up(scene: FlyScene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        api = FlyApi(f"http://127.0.0.1:{server.getsockname()[1]}", APP, TOKEN, scene.clock, scene.clock.sleep)
        dripping = threading.Thread(target=drip, args=(server, scene.clock))
        dripping.start()
        with pytest.raises(ProviderError, match="TimeoutError"):
            FlyProvider(api, ("ams",)).listed()
        dripping.join()


def drip(server: socket.socket, clock: Clock) -> None:
    """One byte in half a minute, for as long as somebody takes them."""
    there, _ = server.accept()
    with there, suppress(OSError):
        there.recv(65536)
        there.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while True:
            clock.sleep(30)
            there.sendall(b"[")


def test_one_that_does_not_stop_in_time_has_not_failed(scene: FlyScene) -> None:
    scene.provider.ensure(WANTED)
    scene.fly.slow_to_stop = True

    assert scene.provider.stop(KEY).state is State.STOPPING


def test_what_is_not_known_is_not_gone(scene: FlyScene) -> None:
    scene.provider.ensure(WANTED)
    for look in (scene.provider.listed, lambda: scene.provider.destroy(KEY)):
        scene.fly.fail["GET /machines"] = (503, "ill")
        with pytest.raises(ProviderError, match="ill"):
            look()

    assert (scene.machines(), scene.disks()) == (1, 1)


def test_its_token_is_told_to_nobody(scene: FlyScene) -> None:
    wrong = FlyApi(scene.fly.url, APP, "wrong-token", scene.clock, scene.clock.sleep)
    with pytest.raises(ProviderError) as refused:
        FlyProvider(wrong, ("ams",)).listed()

    assert "401" in str(refused.value)
    assert "wrong-token" not in str(refused.value) + repr(wrong)
    assert TOKEN not in repr(scene.provider)


@pytest.mark.parametrize("base", ["http://api.machines.dev", "ftp://127.0.0.1", "api.machines.dev", ""])
def test_its_token_goes_over_tls_alone(base: str) -> None:
    with pytest.raises(ValueError, match="no https address"):
        FlyApi(base, APP, TOKEN, float, print)


@pytest.mark.parametrize(("app", "token"), [("", TOKEN), (APP, ""), ("../other", TOKEN), (APP, "a\nb")])
def test_without_an_app_and_a_token_there_is_none(app: str, token: str) -> None:
    with pytest.raises(ValueError, match="wants a token"):
        FlyApi("https://api.machines.dev", app, token, float, print)


def test_nobody_at_the_address_is_no_doubt() -> None:
    with fly_scene() as scene:
        pass
    with pytest.raises(ProviderError, match="cannot be reached") as refused:
        scene.provider.ensure(WANTED)

    assert not isinstance(refused.value, Unsure)
