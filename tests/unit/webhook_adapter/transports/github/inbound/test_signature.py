"""Whose a delivery is."""

import pytest

from webhook_adapter.transports.github.inbound.signature import is_signed, sign

# Of GitHub's own documentation.
SECRET, BODY = "It's a Secret to Everybody", b"Hello, World!"
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_it_is_as_github_says() -> None:
    assert sign(SECRET, BODY) == SIGNATURE
    assert is_signed(SECRET, BODY, SIGNATURE)


@pytest.mark.parametrize(
    ("secret", "body", "header"),
    [
        (SECRET, BODY + b" ", SIGNATURE),
        (SECRET + ".", BODY, SIGNATURE),
        (SECRET, BODY, ""),
        (SECRET, BODY, SIGNATURE.removeprefix("sha256=")),
        (SECRET, BODY, SIGNATURE.upper()),
        (SECRET, BODY, SIGNATURE[:-1]),
        (SECRET, BODY, SIGNATURE + "0"),
        (SECRET, BODY, "sha256=é"),
        (SECRET, BODY, "sha256=\udc80"),
        (SECRET, BODY, "sha1=f6a1c1b1"),
        ("", BODY, sign("", BODY)),
        ("short", BODY, sign("short", BODY)),
    ],
)
def test_what_is_not(secret: str, body: bytes, header: str) -> None:
    assert not is_signed(secret, body, header)
