"""A passkey is added with a code of the machine: once, for its person, at the console's own page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from router.domain.person import CODE_LIFETIME
from router.services.people.passkeys import TRIES
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.console_person import Person
from tests.rigs.passkeys import BACKED_UP, HAS_KEY, PRESENT, VERIFIED, Authenticator, text
from tests.rigs.session_program import told


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def ada(router: RouterUnderTest) -> Person:
    return Person(router, "Ada")


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "https://evil.example"},
        {"cross_origin": True},
        {"top_origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"flags": PRESENT | HAS_KEY},
        {"flags": VERIFIED | HAS_KEY},
        {"flags": PRESENT | VERIFIED},
        {"flags": PRESENT | VERIFIED | HAS_KEY | BACKED_UP},
        {"kind": "webauthn.get"},
        {"challenge": text(bytes(32))},
        {"credential_id": b"another"},
        {"public_key": b"no key"},
        {"without": "publicKey"},
        {
            "public_key": ec.generate_private_key(ec.SECP384R1())
            .public_key()
            .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        },
    ],
    ids=lambda said: next(iter(said)),
)
def test_only_what_was_asked_for_is_added(ada: Person, said: dict[str, Any]) -> None:
    assert told(lambda: ada.add(Authenticator(), **said)) == "INVALID_ARGUMENT"

    assert ada.passkeys == 0
    ada.add(Authenticator())
    assert ada.passkeys == 1


def test_a_code_is_good_once_for_its_person_and_for_ten_minutes(router: RouterUnderTest, ada: Person) -> None:
    eve, code = Person(router, "Eve"), ada.code()
    assert told(lambda: eve.options(code=code)) == "PAIRING_CODE_INVALID"
    ada.hand_over(code, Authenticator().create(ada.options(code=code)))
    assert told(lambda: ada.options(code=code)) == "PAIRING_CODE_INVALID"
    late = ada.code()
    router.advance(CODE_LIFETIME)
    assert told(lambda: ada.options(code=late)) == "PAIRING_CODE_INVALID"


def test_an_id_is_as_long_as_it_may_be_and_no_longer(ada: Person) -> None:
    assert told(lambda: ada.add(Authenticator(credential_id=b"x" * 1024))) == "INVALID_ARGUMENT"

    ada.add(Authenticator(credential_id=b"x" * 1023))
    assert ada.passkeys == 1


def test_nobody_takes_anothers_by_its_name(router: RouterUnderTest, ada: Person) -> None:
    passkey, eve = Authenticator(), Person(router, "Eve")
    ada.add(passkey)

    assert told(lambda: eve.add(Authenticator(credential_id=passkey.credential_id))) == "ILLEGAL_STATE"
    assert (ada.passkeys, eve.passkeys) == (1, 0)


def test_who_guesses_is_not_looked_at_after_five_tries(ada: Person) -> None:
    code = ada.code()
    for _ in range(TRIES):
        assert told(lambda: ada.options(code="aaaa-aaaa-aaaa")) == "PAIRING_CODE_INVALID"

    assert told(lambda: ada.options(code=code)) == "PAIRING_CODE_INVALID"


@pytest.mark.parametrize(
    "origin",
    ["http://console.example.org", "https://192.0.2.1", "http://127.0.0.1:8080", "ftp://x", "console", "https://"],
)
def test_a_page_that_can_have_none_gets_no_code(ada: Person, origin: str) -> None:
    assert told(lambda: ada.code(origin)) == "INVALID_ARGUMENT"
