"""What a machine is called, and what may be said of one."""

import re

import pytest

from pointsman.providers.provider import LONGEST_KEY, Wanted, name_of

KEYS = ["a", "A", "acme/api#7", "acme/api-7", "acme-api#7", "7", "x" * LONGEST_KEY, "y" + "#" * 100]


def test_a_name_fits_every_provider_and_is_nobody_elses() -> None:
    names = [name_of(key) for key in KEYS]

    assert all(re.fullmatch(r"pointsman-[a-z0-9-]{1,50}", name) for name in names)
    assert len(set(names)) == len(KEYS)
    assert name_of("acme/api#7") == name_of("acme/api#7")
    assert "acme-api-7" in name_of("acme/api#7")


@pytest.mark.parametrize("image", ["", "--privileged", "a b", "a\nb", "x" * 600])
def test_what_is_no_image_is_none(image: str) -> None:
    with pytest.raises(ValueError, match="no image"):
        Wanted("k", image)


@pytest.mark.parametrize("environ", [{"a": "x"}, {"A B": "x"}, {"A=B": "x"}, {"A": "x\ny"}, {"": "x"}, {"A": "x\0"}])
def test_what_is_no_variable_is_not_given(environ: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot be given"):
        Wanted("k", "image", environ=environ)


def test_its_token_is_in_no_log() -> None:
    assert "pmj_secret" not in repr(Wanted("k", "image", "pmj_secret"))
