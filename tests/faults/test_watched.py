"""The judge of what watchers saw notices everything that it is there for."""

import pytest

from tests.faults.watched import Seen, Watched, judged

FILES = (("a", "b", "c"), ("x", "y"))


def watcher(*keys: str, begins: int = 1, is_whole: bool = True) -> Watched:
    return Watched("w", [Seen(number, key, key) for number, key in enumerate(keys, begins)], is_whole=is_whole)


def test_what_was_seen_once_and_in_order_is_good_however_files_are_mixed() -> None:
    verdict, problems = judged(FILES, [watcher("a", "x", "", "b", "y", "c")])

    assert verdict.broken == {}
    assert problems == []
    assert verdict.accepted == 5


@pytest.mark.parametrize(
    ("keys", "broken"),
    [
        pytest.param(("a", "b", "x", "y"), {"lost": {"w: c"}}, id="lost"),
        pytest.param(("a", "b", "b", "c", "x", "y"), {"duplicated": {"w: b"}}, id="twice"),
        pytest.param(("a", "c", "b", "x", "y"), {"out_of_order": {"w: b"}}, id="out of order"),
        pytest.param(("a", "b", "c", "x", "y", "z"), {"unexpected": {"w: z"}}, id="of no record"),
    ],
)
def test_what_is_wrong_is_named(keys: tuple[str, ...], broken: dict[str, set[str]]) -> None:
    verdict, _ = judged(FILES, [watcher(*keys)])

    assert verdict.broken == broken


def test_who_came_later_lacks_nothing_of_before() -> None:
    verdict, problems = judged(FILES, [watcher("b", "c", "y", begins=4, is_whole=False)])

    assert verdict.broken == {}
    assert problems == []


def test_who_came_later_lacks_what_is_missing_behind_their_first() -> None:
    verdict, _ = judged(FILES, [watcher("a", "c", begins=2, is_whole=False)])

    assert verdict.lost == {"w: b"}


@pytest.mark.parametrize(("numbers", "problem"), [((1, 3), "behind 1"), ((1, 1), "behind 1"), ((2, 3), "began with")])
def test_numbers_that_do_not_follow_are_told(numbers: tuple[int, ...], problem: str) -> None:
    _, problems = judged((), [Watched("w", [Seen(number, "", str(number)) for number in numbers])])

    assert [each for each in problems if problem in each]


def test_one_number_with_two_meanings_is_told() -> None:
    _, problems = judged(FILES, [watcher("a", "b"), watcher("a", "x")])

    assert [each for each in problems if each.startswith("number 2 is")]


def test_a_watcher_that_comes_no_more_is_told() -> None:
    _, problems = judged((), [Watched("w", broke_off="503")])

    assert problems == ["w came no more: 503"]
