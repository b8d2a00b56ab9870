"""What texts mean, as vectors of anybody."""

from array import array
from math import inf, nan

import pytest

from router.domain.embeddings import MOST_DIMENSIONS, MOST_NEAR, nearest, packed, unit, unpacked


def made(*values: float) -> "array[float]":
    vector = unit(values)
    assert vector is not None
    return vector


def test_a_vector_is_kept_with_its_direction_alone() -> None:
    assert unpacked(packed(made(3e20, 4e20))).tolist() == pytest.approx([0.6, 0.8])
    assert len(packed(made(*[1.0] * MOST_DIMENSIONS))) == 4 * MOST_DIMENSIONS


@pytest.mark.parametrize("values", [(), (0.0,), (nan,), (1.0, inf), (1.0,) * (MOST_DIMENSIONS + 1)])
def test_other_numbers_are_none(values: tuple[float, ...]) -> None:
    assert unit(values) is None


def test_the_nearest_come_first_and_few_of_them() -> None:
    others = [(1, packed(made(1, 1))), (2, packed(made(1, 0))), (3, packed(made(-1, 0))), (4, packed(made(0, 1)))]

    assert nearest(made(1, 0), others) == [2, 1]
    assert len(nearest(made(1, 0), [(number, packed(made(1, 0))) for number in range(2 * MOST_NEAR)])) == MOST_NEAR


@pytest.mark.parametrize("data", [b"", b"abc", packed(made(1.0)), packed(made(1, 0, 0))])
def test_what_is_of_another_kind_is_like_nothing(data: bytes) -> None:
    assert nearest(made(1, 0), [(1, data)]) == []
