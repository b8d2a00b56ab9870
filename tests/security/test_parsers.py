"""Every parser that meets the outside, for a moment: what once broke one, and some hundred inputs made by chance."""

from pathlib import Path

import pytest

from tests.fuzz.mutations import Mutator
from tests.fuzz.registry import CORPUS, TARGETS, beginnings, kept
from tests.fuzz.target import Target

INPUTS = 400
KEPT = [(target, path) for target in TARGETS.values() for path in kept(target)]

each = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@each
def test_what_it_begins_with_is_sound(target: Target) -> None:
    assert target.seeds
    for seed in target.seeds:
        target.check(seed)


@each
@pytest.mark.parametrize("number", [1, 2, 3])
def test_nothing_breaks_it(target: Target, number: int) -> None:
    mutator = Mutator(beginnings(target), number)

    for _ in range(INPUTS):
        target.check(mutator.make())


@pytest.mark.parametrize(("target", "path"), KEPT, ids=[f"{one.name}-{path.name}" for one, path in KEPT])
def test_what_once_broke_it_breaks_it_no_more(target: Target, path: Path) -> None:
    target.check(path.read_bytes())


def test_every_folder_of_the_corpus_is_a_targets() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} <= set(TARGETS)
