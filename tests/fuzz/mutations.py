"""Makes one input of others: bytes are flipped, cut and joined; JSON gets values that parsers trip over."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

LONGEST = 64 * 1024  # bytes
WORDS = (
    *(b"\x00", b"\xff", b"\x1b[201~", b"\x1b]0;", b"\r\n", b"\n\n", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"),
    *(letter.encode() for letter in "\u200d\u202e\U000e0061\u2028\x9b\u00b2\u0663\uff0e\ufeff"),
    *(
        b"0" * 400,
        b"9" * 5000,
        b"1e999",
        b"-1",
        b"NaN",
        b"null",
        b"{}",
        b"[]",
        b'"',
        b"\\ud800",
        b"\\u0000",
        b"[" * 3000,
    ),
    *(b"../../../etc/passwd", b"cmd:", b"/cmd T x", b"%00", b"%ff", b"<b>", b"&#x110000;", b"```"),
    *(b"\x80" * 10, b"\xff" * 9 + b"\x01", b"\x08\x00", b"\x0a\x00", b"\x12\x80\x80\x80\x80\x08"),
)
VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400),
    *(1e308, float("nan"), float("inf")),
    *("", " ", "0", "-1", "\x00", "\ud800", "\udcff", "\u202e", "\u00b2", "\u0663", "\n", "true"),
    *("9" * 5000, "a" * 70_000, "../" * 40),
    *([], {}, [[]], [{}], {"": ""}, [None], {"a": {"b": {"c": []}}}),
)


class Mutator:
    """Makes inputs of seeds; the same ones for the same number."""

    def __init__(self, seeds: Sequence[bytes], number: int) -> None:
        self._rng = random.Random(number)
        self._pool = list(seeds) or [b""]

    def make(self) -> bytes:
        """One more input."""
        made = self._rng.choice(self._pool)
        for _ in range(self._rng.choice((0, 1, 1, 2, 4, 8))):
            made = self.change(made)
        return made[:LONGEST]

    def change(self, data: bytes) -> bytes:
        """The input with one thing changed."""
        if self._rng.random() < 0.5 and (changed := self._json(data)) is not None:
            return changed
        ways: tuple[Callable[[bytes], bytes], ...] = (self._flip, self._insert, self._cut, self._splice, self._repeat)
        return self._rng.choice(ways)(data)

    def _json(self, data: bytes) -> bytes | None:
        if data[:1] not in (b"{", b"["):
            return None
        try:
            tree = json.loads(data)
            self._change_tree(tree)
            return json.dumps(tree, ensure_ascii=self._rng.random() < 0.7).encode(errors="surrogatepass")
        except (ValueError, RecursionError):
            return None

    def _change_tree(self, tree: object) -> None:
        """One child, somewhere below, becomes something else, is twice there, or is gone."""
        places = self._places(tree, 0)
        if not places:
            return
        parent, key = self._rng.choice(places)
        match self._rng.randrange(4):
            case 0:
                del parent[key]
            case 1:
                parent[key] = [parent[key]] * 3
            case _:
                parent[key] = self._rng.choice(VALUES)

    def _places(self, tree: object, depth: int) -> list[tuple[Any, Any]]:
        if depth > 20 or not isinstance(tree, dict | list):
            return []
        keys: Sequence[object] = list(tree) if isinstance(tree, dict) else range(len(tree))
        found = [(tree, key) for key in keys]
        return found + [place for _, key in found[:50] for place in self._places(tree[key], depth + 1)]

    def _flip(self, data: bytes) -> bytes:
        if not data:
            return self._insert(data)
        at = self._rng.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << self._rng.randrange(8))]) + data[at + 1 :]

    def _insert(self, data: bytes) -> bytes:
        at = self._rng.randint(0, len(data))
        return data[:at] + self._rng.choice(WORDS) + data[at:]

    def _cut(self, data: bytes) -> bytes:
        start = self._rng.randint(0, len(data))
        return data[:start] + data[start + self._rng.randint(0, 16) :]

    def _splice(self, data: bytes) -> bytes:
        other = self._rng.choice(self._pool)
        return data[: self._rng.randint(0, len(data))] + other[self._rng.randint(0, len(other)) :]

    def _repeat(self, data: bytes) -> bytes:
        start = self._rng.randint(0, len(data))
        piece = data[start : start + self._rng.randint(1, 32)]
        return data[:start] + piece * self._rng.choice((2, 3, 50)) + data[start:]
