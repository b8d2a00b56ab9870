"""The stand-in for GitHub is as rude as GitHub."""

from typing import Any

import pytest
import requests

from tests.fakes.github.faults import FaultKind
from tests.unit.fakes.github_scene import Scene

DAY = 86400.0


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"iss": "77"}, "Issuer"),
        ({"exp": 1_799_999_999}, "Expiration"),
        ({"exp": 1_800_000_601}, "too far"),
        ({"iat": 1_800_000_061}, "Issued at"),
    ],
)
def test_an_apps_own_token_has_to_be_right(scene: Scene, claims: dict[str, Any], words: str) -> None:
    answer = scene.call("GET", "/app", scene.app_token(**claims))

    assert (answer.status_code, words in answer.json()["message"]) == (401, True)
    assert scene.call("GET", "/app").status_code == 200


def test_a_token_is_for_what_it_was_asked_for_and_for_an_hour(scene: Scene) -> None:
    other = scene.github.world.add_repository("acme/other")
    scene.github.app.installations.popitem()
    scene.github.install(scene.repository, other)
    narrow = scene.token(repository_ids=[other.id], permissions={"issues": "write"})
    whole = scene.token()

    assert [scene.comment(each).status_code for each in (narrow, whole)] == [404, 201]
    assert scene.check(scene.token(permissions={"issues": "write"})).status_code == 403
    scene.github.clock.advance(3600)
    assert scene.comment(whole).status_code == 401


@pytest.mark.parametrize(("stateless", "dots"), [(True, 2), (False, 0)])
def test_tokens_have_two_forms(scene: Scene, stateless: bool, dots: int) -> None:
    scene.github.credentials.stateless = stateless

    assert scene.token().count(".") == dots


def test_a_fresh_token_is_not_known_everywhere_at_once(scene: Scene) -> None:
    scene.github.credentials.lag = 2
    token = scene.token()

    assert [scene.comment(token).status_code for _ in range(3)] == [401, 401, 201]


@pytest.mark.parametrize(
    ("strict", "size", "status"), [(True, 65_537, 422), (False, 65_537, 201), (False, 262_145, 422)]
)
def test_a_long_comment_is_refused(scene: Scene, strict: bool, size: int, status: int) -> None:
    scene.github.comments.strict = strict

    assert scene.comment(scene.token(), "x" * size).status_code == status


def test_a_bot_changes_what_is_its_own_and_nothing_where_it_is_locked(scene: Scene) -> None:
    theirs, token = scene.github.writes(scene.issue, "hello", scene.ada), scene.token()
    ours = scene.comment(token).json()["id"]
    path = f"/repos/{scene.repository.full_name}/issues/comments"
    statuses = [
        scene.call("PATCH", f"{path}/{each}", token, json={"body": "x"}).status_code for each in (theirs.id, ours)
    ]
    scene.issue.locked = True

    assert statuses == [403, 200]
    assert scene.comment(token).status_code == 403
    assert scene.call("DELETE", f"{path}/{ours}", token).status_code == 204


def test_what_moved_is_elsewhere_and_what_was_deleted_is_gone(scene: Scene) -> None:
    token, before = scene.token(), scene.repository.full_name
    scene.github.rename(scene.repository, "motor")
    moved = scene.call("POST", f"/repos/{before}/issues/1/comments", token, json={"body": "x"})
    to = moved.headers["Location"].removeprefix(scene.github.base_url)
    assert (moved.status_code, to) == (307, f"/repositories/{scene.repository.id}/issues/1/comments")
    assert scene.call("POST", to, token, json={"body": "x"}).status_code == 201

    scene.issue.deleted = True
    assert scene.comment(token).status_code == 410


def test_reactions_are_eight_and_one_of_each(scene: Scene) -> None:
    theirs, token = scene.github.writes(scene.issue, "hello", scene.ada), scene.token()
    path = f"/repos/{scene.repository.full_name}/issues/comments/{theirs.id}/reactions"
    answers = [scene.call("POST", path, token, json={"content": each}).status_code for each in ("eyes", "eyes", "tada")]

    assert answers == [201, 200, 422]


@pytest.mark.parametrize(
    ("who", "found"),
    [("ada", (200, "write", "maintain")), ("eve", (200, "read", "read")), ("pointsman[bot]", (404, None, None))],
)
def test_what_somebody_may(scene: Scene, who: str, found: tuple[Any, ...]) -> None:
    scene.github.world.add_user("eve")
    answer = scene.call("GET", f"/repos/{scene.repository.full_name}/collaborators/{who}/permission", scene.token())

    told = answer.json()
    assert (answer.status_code, told.get("permission"), told.get("role_name")) == found


@pytest.mark.parametrize(
    "wrong",
    [
        {"head_sha": "0" * 40},
        {"output": {"title": "no summary"}},
        {"conclusion": "stale"},
        {"status": "completed"},
        {"actions": [{"label": "x", "description": "x", "identifier": str(each)} for each in range(4)]},
        {"actions": [{"label": "x" * 21, "description": "x", "identifier": "x"}]},
        {"actions": [{"label": "x", "description": "", "identifier": "x"}]},
        {"output": {"title": "t", "summary": "x" * 65_536}},
    ],
)
def test_a_check_keeps_its_bounds(scene: Scene, wrong: dict[str, Any]) -> None:
    assert scene.check(scene.token(), **wrong).status_code == 422
    assert scene.github.violations


ASKS: dict[str, Any] = {
    "status": "completed",
    "conclusion": "action_required",
    "output": {"title": "Waits", "summary": "for you"},
    "actions": [{"label": "Allow", "description": "Go on", "identifier": "allow"}],
}


def test_a_button_is_pressed_where_it_is_seen(scene: Scene) -> None:
    scene.check(scene.token(), **ASKS)
    [run] = scene.github.runs()
    scene.github.clock.advance(20 * DAY)
    scene.github.presses(run, "Allow", scene.ada)
    scene.github.pushes(scene.pull, scene.ada)
    with pytest.raises(ValueError, match="no button"):
        scene.github.presses(run, "Allow", scene.ada)

    scene.github.events.wait_until_sent()
    pressed = [each for each in scene.github.events.log if each.action == "requested_action"]
    assert [each.body.count(b'{"identifier": "allow"}') for each in pressed] == [1]


def test_what_is_not_completed_is_stale_after_two_weeks(scene: Scene) -> None:
    token = scene.token()
    made = scene.check(token, status="in_progress").json()["id"]
    scene.github.clock.advance(14 * DAY)
    token = scene.token()

    told = scene.call("GET", f"/repos/{scene.repository.full_name}/check-runs/{made}", token).json()
    assert (told["status"], told["conclusion"]) == ("completed", "stale")


def test_limits_are_told_and_going_on_is_a_violation_and_ends_in_a_ban(scene: Scene) -> None:
    token = scene.token()
    first = scene.comment(token)
    scene.github.throttle().hold(120)
    held = scene.comment(token)
    scene.github.throttle().tells_retry_after = False
    others = [scene.comment(token) for _ in range(10)]

    assert (first.headers["x-ratelimit-remaining"], first.headers["x-ratelimit-limit"]) == ("4999", "5000")
    assert (held.status_code, held.headers["Retry-After"]) == (403, "121")
    assert "secondary rate limit" in held.json()["message"]
    assert "Retry-After" not in others[0].headers
    assert "suspended" in others[-1].json()["message"]
    assert len(scene.github.violations) == 11


def test_the_primary_limit_and_what_costs_nothing(scene: Scene) -> None:
    token, path = scene.token(), f"/repos/{scene.repository.full_name}"
    scene.github.throttle().primary_limit = 2
    tag = scene.call("GET", path, token).headers["ETag"]
    again = [scene.call("GET", path, token, headers={"If-None-Match": tag}).status_code for _ in range(5)]
    statuses = [scene.call("GET", path, token).status_code for _ in range(2)]

    assert (again, statuses, scene.github.violations) == ([304] * 5, [200, 403], [])


def test_too_much_content_and_too_fast(scene: Scene) -> None:
    token = scene.token()
    statuses = [scene.comment(token, f"no {number}").status_code for number in range(81)]
    scene.github.clock.advance(60)
    scene.github.throttle().spacing = True
    scene.comment(token)
    scene.comment(token)

    assert statuses == [201] * 80 + [403]
    assert scene.github.violations[0] == "more than 80 in 60 s"
    assert [each.split(" ")[0:2] for each in scene.github.violations[-2:]] == [["a", "write"], ["a", "call"]]


@pytest.mark.parametrize(
    ("kind", "stored"),
    [(FaultKind.CUT_BEFORE, 0), (FaultKind.CUT_AFTER, 1), (FaultKind.PAGE, 0), (FaultKind.PAGE_AFTER, 1)],
)
def test_faults(scene: Scene, kind: FaultKind, stored: int) -> None:
    token = scene.token()
    scene.github.fails(kind, "POST", ".*/comments")
    try:
        answer: object = scene.comment(token).status_code
    except requests.ConnectionError:
        answer = "cut"

    assert (answer, len(scene.github.of(scene.issue))) == ("cut" if "cut" in kind.value else 502, stored)


def test_the_judge_sees_what_nobody_should_do(scene: Scene) -> None:
    token = scene.token()
    mention = scene.github.writes(scene.issue, "@pointsman go", scene.ada)
    for _ in range(2):
        scene.comment(token, "done <!-- pm:1 -->")
    scene.comment(token, f"my token is {token}", scene.pull)

    found = scene.github.judge(answered=(mention,))
    assert [each.split(":")[0].split(" ")[0] for each in found] == ["a", "posted", "a", f"{mention.key}"]
