"""Encryption of pushes against the example of RFC 8291, section 5, and against a browser's own reading."""

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from tests.fakes.push_browser import Browser, raw, text
from webhook_adapter.transports.push.encryption import MAX_BODY, MAX_WORDS, encrypt

WORDS = b"When I grow up, I want to be a watermelon"
AUTH = raw("BTBZMqHH6r4Tts7J_aSIgg")
BROWSERS_KEY = raw("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")
SENDERS_KEY = int.from_bytes(raw("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
SALT = raw("DGv6ra1nlYgDCS1FRnbzlw")
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A"
    "_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


@pytest.fixture
def example() -> Browser:
    return Browser(key=BROWSERS_KEY, auth=AUTH)


def test_the_browser_of_the_tests_reads_the_example(example: Browser) -> None:
    assert text(example.p256dh).startswith("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-")
    assert example.decrypted(raw(BODY)) == WORDS


def test_with_the_keys_of_the_example_it_is_the_example(example: Browser) -> None:
    key = ec.derive_private_key(SENDERS_KEY, ec.SECP256R1())

    assert text(encrypt(WORDS, example.p256dh, AUTH, key, SALT)) == BODY


@pytest.mark.parametrize("length", [0, 1, 41, MAX_WORDS])
def test_a_browser_reads_what_was_encrypted_for_it(length: int) -> None:
    browser, words = Browser(), b"\x00" * (length // 2) + b"w" * (length - length // 2)

    body = encrypt(words, browser.p256dh, browser.auth)

    assert browser.decrypted(body) == words
    assert len(body) == len(words) + 103 <= MAX_BODY


def test_no_other_browser_reads_it() -> None:
    body = encrypt(WORDS, Browser().p256dh, AUTH)

    with pytest.raises(InvalidTag):
        Browser(auth=AUTH).decrypted(body)


def test_the_same_words_never_look_the_same() -> None:
    browser = Browser()

    assert encrypt(WORDS, browser.p256dh, AUTH) != encrypt(WORDS, browser.p256dh, AUTH)


@pytest.mark.parametrize(
    ("words", "p256dh", "why"),
    [
        (b"w" * (MAX_WORDS + 1), Browser().p256dh, "do not fit"),
        (WORDS, b"\x04" + b"\x01" * 64, "not on the curve|Invalid"),
        (WORDS, b"", "must not be an empty"),
    ],
    ids=["too many words", "no point of the curve", "no key"],
)
def test_what_cannot_be_encrypted_raises(words: bytes, p256dh: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        encrypt(words, p256dh, AUTH)
