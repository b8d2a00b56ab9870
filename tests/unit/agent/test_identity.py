"""The machine's key and its tokens."""

from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.domain.errors import NotEnrolled
from agent.link import identity


def test_a_key_is_made_once(tmp_path: Path) -> None:
    first, second = identity.key_of(tmp_path), identity.key_of(tmp_path)

    assert identity.public_bytes(first) == identity.public_bytes(second)
    assert len(identity.public_bytes(first)) == 32


def test_a_token_says_who_and_for_how_long() -> None:
    key = Ed25519PrivateKey.generate()
    token = identity.Identity("devbox", "r", "host:1", key).token(now=1_000_000.9)

    public = Ed25519PublicKey.from_public_bytes(identity.public_bytes(key))
    options = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(token, public, algorithms=["EdDSA"], audience="pointsman", options=options)
    assert claims == {"sub": "devbox", "aud": "pointsman", "iat": 1_000_000, "exp": 1_000_240}


def test_a_router_that_was_pinned_is_named_in_it() -> None:
    key = Ed25519PrivateKey.generate()
    token = identity.Identity("devbox", "r", "host:1", key, "fingerprint").token(now=1_000_000.9)

    assert jwt.decode(token, options={"verify_signature": False})["aud"] == "r"


@pytest.mark.parametrize(
    "content", [None, "not json", "[]", '{"machine_id": "m"}'], ids=["none", "text", "list", "part"]
)
def test_without_a_whole_identity_a_person_is_told_to_enrol(tmp_path: Path, content: str | None) -> None:
    identity.key_of(tmp_path)
    write(tmp_path / "machine.json", content)

    with pytest.raises(NotEnrolled, match="pointsman enroll"):
        identity.load(tmp_path)


def test_an_identity_needs_its_key(tmp_path: Path) -> None:
    identity.save(tmp_path, "m", "r", "host:1", "")

    with pytest.raises(NotEnrolled):
        identity.load(tmp_path)


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "machine.key").write_bytes(b"damaged")

    with pytest.raises(NotEnrolled, match=r"machine\.key"):
        identity.key_of(tmp_path)
    assert (tmp_path / "machine.key").read_bytes() == b"damaged"


def test_a_file_is_put_in_place_whole_and_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "machine.json"
    path.write_text("old")

    identity.write_durably(path, b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["machine.json"]


def write(path: Path, content: str | None) -> None:
    if content is not None:
        path.write_text(content)
