"""Secrets: what is kept of them, and when two are the same."""

import pytest

from router.domain.credentials import hashed, matches, text_of


def test_a_secret_matches_its_own_hash_alone() -> None:
    stored = hashed("pmk_secret")

    assert matches(hashed("pmk_secret"), stored)
    assert not matches(hashed("pmk_secreT"), stored)
    assert not matches(hashed(""), stored)


def test_what_is_stored_does_not_hold_the_secret() -> None:
    assert "pmk_secret" not in hashed("pmk_secret")


@pytest.mark.parametrize("stored", ["", "pmk_secret", "0" * 64])
def test_what_is_no_hash_of_it_never_matches(stored: str) -> None:
    assert not matches(hashed("pmk_secret"), stored)


def test_random_bytes_become_characters_that_need_no_quoting() -> None:
    assert text_of(bytes(range(256))).replace("-", "").replace("_", "").isalnum()
    assert len(text_of(bytes(32))) == 43
    assert len(text_of(bytes(12))) == 16
