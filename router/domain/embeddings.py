"""What texts mean, as vectors: of whatever model, from whoever asked it, and so looked at before they are kept."""

import sys
from array import array
from collections.abc import Iterable, Sequence
from hashlib import sha256
from heapq import nlargest
from math import fsum, isfinite, sqrt
from operator import mul

MOST_DIMENSIONS = 4096
MOST_COMPARED = 1000  # notes, the newest: each costs a multiplication for each dimension
MOST_NEAR = 10
# What has nothing to do with each other lies near 0. Below it, what is found would be whatever there is.
LEAST_LIKE = 0.3


def unit(values: Sequence[float]) -> "array[float] | None":
    """These numbers as a vector of length 1; None where they are none."""
    if not 0 < len(values) <= MOST_DIMENSIONS or not all(map(isfinite, values)):
        return None
    length = sqrt(fsum(value * value for value in values))
    return array("f", [value / length for value in values]) if length > 0 else None


def packed(vector: "array[float]") -> bytes:
    """As it is kept."""
    return _ordered(array("f", vector)).tobytes()


def unpacked(data: bytes) -> "array[float]":
    """What was packed; whatever else it is, it is like nothing."""
    vector = array("f")
    if len(data) % vector.itemsize == 0:
        vector.frombytes(data)
    return _ordered(vector)


def nearest(to: "array[float]", others: Iterable[tuple[int, bytes]]) -> list[int]:
    """The numbers of those that mean the like, the nearest first. Those of another length are of another kind."""
    found = []
    for number, data in others:
        other = unpacked(data)
        if len(other) == len(to) and (likeness := sum(map(mul, to, other))) >= LEAST_LIKE:
            found.append((likeness, number))
    return [number for _, number in nlargest(MOST_NEAR, found)]


def digest(text: str) -> str:
    """What tells a text from others."""
    return sha256(text.encode()).hexdigest()


def _ordered(vector: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        vector.byteswap()
    return vector
