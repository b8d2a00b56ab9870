"""The client shows the right token, keeps GitHub's limits, and gives nothing away."""

import logging
import threading
from itertools import pairwise

import pytest

from tests.fakes.github.faults import FaultKind
from tests.integration.webhook_adapter.transports.github.conftest import Scene
from webhook_adapter.transports.github.outbound.client import ApiRefused, Cost, GitHubClient, Need
from webhook_adapter.transports.github.outbound.http import NoAnswer


def comments(scene: Scene, client: GitHubClient | None = None, need: Need = Need.NORMAL) -> int:
    path = f"/issues/{scene.issue.number}/comments"
    client = client or scene.client
    answer = client.call(scene.repository.id, "POST", path, {"body": "hello"}, cost=Cost.NOTICE, need=need)
    return int(answer.content["id"])


def test_a_token_is_for_the_repository_alone_and_for_what_we_do_there(scene: Scene) -> None:
    comments(scene)

    [token] = scene.github.credentials.tokens.values()
    assert token.repositories == {scene.repository.id}
    assert token.permissions == {"issues": "write", "pull_requests": "write", "checks": "write", "metadata": "read"}
    assert scene.github.api.versions == {"2022-11-28"}


def test_a_token_is_kept_until_it_is_nearly_over(scene: Scene) -> None:
    comments(scene)
    scene.github.clock.advance(3600 - 310)
    comments(scene)
    before = scene.github.credentials.minted
    scene.github.clock.advance(15)
    comments(scene)

    assert (before, scene.github.credentials.minted) == (1, 2)


def test_many_at_once_ask_for_one_token(scene: Scene) -> None:
    asked = [threading.Thread(target=scene.client.repository, args=(scene.repository.id,)) for _ in range(8)]
    for each in asked:
        each.start()
    for each in asked:
        each.join()

    assert scene.github.credentials.minted == 1


@pytest.mark.parametrize("stateless", [True, False])
def test_a_token_has_any_form_and_may_not_be_known_everywhere_at_once(scene: Scene, stateless: bool) -> None:
    scene.github.credentials.stateless, scene.github.credentials.lag = stateless, 2

    assert comments(scene)
    assert scene.github.credentials.minted == 1


def test_a_token_that_is_refused_later_is_asked_for_anew_once(scene: Scene) -> None:
    comments(scene)
    scene.github.clock.advance(60)
    scene.github.credentials.tokens.clear()

    assert comments(scene)
    assert scene.github.credentials.minted == 2


def test_an_app_that_was_installed_anew_is_found_again(scene: Scene) -> None:
    comments(scene)
    scene.github.install(scene.repository)

    assert comments(scene)


def test_what_nobody_granted_is_not_asked_for(scene: Scene) -> None:
    scene.github.install(scene.repository, permissions={"issues": "write", "metadata": "read"})

    assert comments(scene)
    with pytest.raises(ApiRefused) as refused:
        scene.client.call(scene.repository.id, "POST", "/check-runs", {"name": "x"}, cost=Cost.WRITE)
    assert refused.value.status == 403


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_renamed_repository_is_written_to_all_the_same(scene: Scene, status: int) -> None:
    comments(scene)
    scene.github.rename(scene.repository, "motor", status)

    assert comments(scene)
    assert len(scene.github.of(scene.issue)) == 2


def test_a_call_is_sent_on_to_no_other_server(scene: Scene) -> None:
    comments(scene)
    scene.github.fails(FaultKind.REFUSE, "POST", ".*", status=307, headers={"Location": "https://evil.example/x"})

    with pytest.raises(NoAnswer, match="another server"):
        comments(scene)


def test_the_name_that_somebody_else_has_now_is_not_written_to(scene: Scene) -> None:
    scene.github.rename(scene.repository, "motor")
    other = scene.github.world.add_repository("acme/engine")
    scene.github.install(scene.repository, other)
    github = scene.github
    client = GitHubClient(
        github.app.id, github.app.pem, github.base_url, clock=scene.clock, now=github.clock.now,
        name_of=lambda _id: "acme/engine",
    )  # fmt: skip

    with pytest.raises(ApiRefused):
        comments(scene, client)
    client.close()


def test_writes_come_one_at_a_time_and_not_too_soon(scene: Scene) -> None:
    for _ in range(5):
        comments(scene)
        scene.client.call(scene.repository.id, "PATCH", f"/issues/comments/{comments(scene)}", {"body": "x"},
                          cost=Cost.CONTENT)  # fmt: skip
    at = [each.at for each in scene.github.calls("POST", ".*/comments")]

    assert scene.github.violations == []
    assert min(after - before for before, after in pairwise(at)) >= 3


def test_writes_of_several_threads_do_not_meet(scene: Scene) -> None:
    threads = [threading.Thread(target=comments, args=(scene,)) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert (len(scene.github.of(scene.issue)), scene.github.violations) == (6, [])


@pytest.mark.parametrize("tells", [True, False])
def test_a_secondary_limit_rests_everything(scene: Scene, tells: bool) -> None:
    comments(scene)
    scene.github.throttle().tells_retry_after = tells
    scene.github.throttle().hold(50)
    refused = [_refused(scene) for _ in range(3)]

    assert len(scene.github.violations) == 1  # the one that found it out
    assert all(45 <= (each.after or 0) <= 62 for each in refused)
    assert scene.client.rate_limits.pause() >= 45
    scene.clock.wait(threading.Condition(), scene.client.rate_limits.pause())
    assert comments(scene)


def test_an_unnamed_limit_that_comes_again_rests_longer(scene: Scene) -> None:
    comments(scene)
    scene.github.throttle().tells_retry_after = False
    found = []
    for _ in range(3):
        scene.github.throttle().hold(30)
        found.append(round(_refused(scene).after or 0))
        scene.clock.wait(threading.Condition(), scene.client.rate_limits.pause())

    assert found == [61, 121, 241]


def test_the_primary_limit_is_waited_for(scene: Scene) -> None:
    comments(scene)
    scene.github.throttle().primary_limit = 3
    comments(scene)
    refused = _refused(scene)

    assert 3000 < (refused.after or 0) <= 3602
    assert scene.github.violations == []


def test_an_hour_has_room_for_questions(scene: Scene) -> None:
    scene.repository.roles[scene.ada.id] = "write"
    for _ in range(399):
        comments(scene)
    comments(scene)

    assert 0 < (_refused(scene).after or 0) <= 3600
    assert [bool(comments(scene, need=Need.URGENT)) for _ in range(50)] == [True] * 50
    with pytest.raises(ApiRefused):
        comments(scene, need=Need.URGENT)
    assert scene.github.violations == []


def test_what_has_not_changed_costs_nothing(scene: Scene) -> None:
    path = f"/pulls/{scene.pull.number}"
    heads = {scene.client.call(scene.repository.id, "GET", path).content["head"]["sha"] for _ in range(5)}

    assert heads == {scene.pull.pull.head_sha if scene.pull.pull else ""}
    assert [each.status for each in scene.github.calls("GET", f".*{path}")] == [200, 304, 304, 304, 304]


@pytest.mark.parametrize("kind", [FaultKind.CUT_BEFORE, FaultKind.CUT_AFTER, FaultKind.PAGE, FaultKind.PAGE_AFTER])
def test_what_was_not_answered_may_have_come(scene: Scene, kind: FaultKind) -> None:
    comments(scene)
    scene.github.fails(kind, "POST")

    with pytest.raises(NoAnswer):
        comments(scene)


def test_no_token_shows_anywhere(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    comments(scene)
    [secret] = scene.github.credentials.tokens
    own = scene.client._tokens.of_app()
    scene.github.clock.advance(60)
    scene.github.fails(FaultKind.REFUSE, "POST", status=403, message=f"bad {secret} and {own}")
    refused = _refused(scene)
    scene.github.fails(FaultKind.CUT_BEFORE, "POST")
    with pytest.raises(NoAnswer) as silent:
        comments(scene)

    shown = f"{refused} {refused!r} {silent.value!r} {silent.value.__context__!r} {caplog.text}"
    assert secret not in shown
    assert own not in shown
    assert "BEGIN" not in repr(vars(scene.client))


def _refused(scene: Scene) -> ApiRefused:
    with pytest.raises(ApiRefused) as refused:
        comments(scene)
    return refused.value
