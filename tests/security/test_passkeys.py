"""A passkey allows what a rule wants a second factor for: one question, once, of its person, at its own page."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from router.domain.passkey import CHALLENGE_LIFETIME
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import standing
from tests.rigs.console_person import PAGE, RULES, Person, Question
from tests.rigs.passkeys import (
    BACKED_UP,
    HAS_EXTENSIONS,
    MAY_BE_BACKED_UP,
    ORIGIN,
    PRESENT,
    VERIFIED,
    Authenticator,
    text,
)
from tests.rigs.session_program import told
from tests.rigs.thin_courier import ThinCourier

OPEN, ALLOWED = types.PERMISSION_STATE_OPEN, types.PERMISSION_STATE_ALLOWED
ES256 = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    rules = data_dir / "rules.toml"
    rules.write_text(RULES)
    with serving(config(data_dir, risk_rules=rules)) as router:
        yield router


@pytest.fixture
def ada(router: RouterUnderTest) -> Person:
    return Person(router, "Ada")


@pytest.fixture
def passkey(ada: Person) -> Authenticator:
    passkey = Authenticator()
    ada.add(passkey)
    return passkey


@pytest.fixture
def courier(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("web", "console") as courier:
        yield courier.connected()


@pytest.fixture
def question(router: RouterUnderTest, courier: ThinCourier) -> Question:
    return Question(router, courier)


@pytest.mark.parametrize(
    "key",
    [ES256, ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)],
    ids=["ES256", "EdDSA", "RS256"],
)
def test_it_allows_what_a_press_does_not(ada: Person, question: Question, key: Any) -> None:
    passkey = Authenticator(key)
    ada.add(passkey)

    done = ada.allow(question, passkey.get(ada.options(notification_id=question.message_id)))

    assert done.command_id
    assert question.state == ALLOWED
    assert standing(ada.router, question.permission_id).decided_by.endswith("(Ada)")


def test_a_press_alone_says_that_more_is_needed(router: RouterUnderTest, ada: Person, question: Question) -> None:
    found = router.control.ListNotifications(pb.ListNotificationsRequest(limit=500)).notifications
    token = next(each.token for each in found if each.notification_id == question.message_id)

    done = router.submit(PAGE, button={"data": f"cmd:{token}:allow"}, login_id=ada.login_id)

    assert (done.command_id, done.reason) == ("", types.REASON_SECOND_FACTOR_NEEDED)
    assert question.state == OPEN


FORGED: dict[str, dict[str, Any]] = {
    "at another page": {"origin": "https://console.example.org.evil.example"},
    "at the same host without TLS": {"origin": "http://console.example.org"},
    "in a frame of another page": {"cross_origin": True},
    "in a frame, though it says that it is in none": {"top_origin": "https://evil.example"},
    "in letters that no browser writes": {"encoding": "utf-16"},
    "for another site": {"rp_id": "example.org"},
    "nobody was there": {"flags": VERIFIED},
    "nobody was looked at": {"flags": PRESENT},
    "backed up, though it cannot be": {"flags": PRESENT | VERIFIED | BACKED_UP},
    "as another person": {"user_handle": b"person_of_somebody"},
    "as nobody": {"user_handle": b""},
    "to be added, not to allow": {"kind": "webauthn.create"},
    "for a challenge of its own": {"challenge": text(bytes(32))},
    "with a signature of nothing": {"signature": b""},
    "with a signature over something else": {"signature": ES256.sign(b"x", ec.ECDSA(SHA256()))},
    "by the name of another": {"credential_id": b"another passkey"},
    "without what was signed": {"without": "authenticatorData"},
    "without a page": {"without": "clientDataJSON"},
    "without a signature": {"without": "signature"},
}


@pytest.mark.parametrize("said", FORGED.values(), ids=FORGED)
def test_nothing_else_allows_it(ada: Person, passkey: Authenticator, question: Question, said: dict[str, Any]) -> None:
    ada.allow(question, passkey.get(ada.options(notification_id=question.message_id), **said))
    refused = question.state
    # Its counter is 1 by now: what is not forged is taken still.
    ada.allow(question, passkey.get(ada.options(notification_id=question.message_id)))

    assert (refused, question.state) == (OPEN, ALLOWED)


def test_one_that_is_synced_and_says_whose_it_is_is_taken_with_what_it_adds(
    router: RouterUnderTest, courier: ThinCourier, ada: Person, passkey: Authenticator
) -> None:
    synced = {"flags": PRESENT | VERIFIED | MAY_BE_BACKED_UP | BACKED_UP | HAS_EXTENSIONS, "count": 0}
    added = {"user_handle": ada.person_id.encode(), "extensions": b"\xa0"}
    asked = [Question(router, courier) for _ in range(2)]

    for question in asked:
        ada.allow(question, passkey.get(ada.options(notification_id=question.message_id), **synced, **added))

    assert [each.state for each in asked] == [ALLOWED, ALLOWED]


def test_one_of_another_page_is_none_that_was_asked_for(ada: Person, question: Question) -> None:
    """The site is the host, whatever the port; the page is the one that was set up last."""
    old, new = Authenticator(), Authenticator(credential_id=b"another")
    ada.add(old)
    ada.add(new, at=f"{ORIGIN}:8443")
    options = ada.options(notification_id=question.message_id)

    ada.allow(question, old.get(options, origin=f"{ORIGIN}:8443"))

    assert [each["id"] for each in json.loads(options)["allowCredentials"]] == [text(new.credential_id)]
    assert question.state == OPEN


def first_used(ada: Person, passkey: Authenticator, question: Question) -> None:
    ada.allow(question, passkey.get(ada.options(notification_id=question.message_id)))
    assert question.state == ALLOWED


def test_a_counter_that_goes_back_is_a_copy(
    router: RouterUnderTest, courier: ThinCourier, ada: Person, passkey: Authenticator, question: Question
) -> None:
    passkey.count = 7
    first_used(ada, passkey, question)
    copy = Authenticator(passkey.key)
    second = Question(router, courier)

    done = ada.allow(second, copy.get(ada.options(notification_id=second.message_id)))

    assert "counted back" in done.answer
    assert second.state == OPEN


def test_what_was_used_allows_nothing_more(
    router: RouterUnderTest, courier: ThinCourier, ada: Person, passkey: Authenticator, question: Question
) -> None:
    signed = passkey.get(ada.options(notification_id=question.message_id))
    ada.allow(question, signed)
    second = Question(router, courier)

    done = ada.allow(second, signed)

    assert (second.state, done.reason) == (OPEN, types.REASON_SECOND_FACTOR_NEEDED)


def test_what_was_signed_for_one_question_allows_no_other(
    router: RouterUnderTest, courier: ThinCourier, ada: Person, passkey: Authenticator, question: Question
) -> None:
    other = Question(router, courier)
    signed = passkey.get(ada.options(notification_id=question.message_id))

    ada.allow(other, signed)

    assert (question.state, other.state) == (OPEN, OPEN)


def test_another_persons_passkey_is_none(
    router: RouterUnderTest, ada: Person, passkey: Authenticator, question: Question
) -> None:
    eve, hers = Person(router, "Eve"), Authenticator(credential_id=b"the passkey of Eve")
    eve.add(hers)

    eve.allow(question, passkey.get(eve.options(notification_id=question.message_id)))
    eve.allow(question, hers.get(ada.options(notification_id=question.message_id)))
    ada.allow(question, hers.get(ada.options(notification_id=question.message_id)))

    assert question.state == OPEN


def test_whoever_has_the_key_of_the_console_has_no_passkey(
    router: RouterUnderTest, passkey: Authenticator, ada: Person, question: Question
) -> None:
    owner = chat_pb.OpenBrowserRequest(login_id="the login of whoever has the key")
    owner.lifetime.FromSeconds(60)
    router.chat.OpenBrowser(owner)
    signed = passkey.get(ada.options(notification_id=question.message_id))

    router.submit(PAGE, reply_to_message_id=question.message_id, login_id=owner.login_id, passkey=signed)

    assert question.state == OPEN
    asked = chat_pb.BeginPasskeyRequest(login_id=owner.login_id, notification_id=question.message_id)
    assert told(lambda: router.chat.BeginPasskey(asked)) == "ILLEGAL_STATE"


def test_a_challenge_is_over_after_two_minutes_and_when_another_is_made(
    router: RouterUnderTest, ada: Person, passkey: Authenticator, question: Question
) -> None:
    old = passkey.get(ada.options(notification_id=question.message_id))
    newer = ada.options(notification_id=question.message_id)
    ada.allow(question, old)
    replaced = question.state
    late = passkey.get(newer)
    router.advance(CHALLENGE_LIFETIME)
    ada.allow(question, late)

    assert (replaced, question.state) == (OPEN, OPEN)


def test_who_may_not_answer_gets_no_challenge(router: RouterUnderTest, question: Question) -> None:
    code = router.control.CreatePairingCode(
        pb.CreatePairingCodeRequest(person_name="Vera", role=types.PERSON_ROLE_VIEWER)
    ).code
    shown = chat_pb.OpenBrowserRequest(login_id="the login of Vera", code=code)
    shown.lifetime.FromSeconds(60)
    router.chat.OpenBrowser(shown)
    asked = chat_pb.BeginPasskeyRequest(login_id=shown.login_id, notification_id=question.message_id)

    assert told(lambda: router.chat.BeginPasskey(asked)) == "PERMISSION_DENIED"


def test_it_goes_with_its_person_and_when_it_is_taken_away(
    router: RouterUnderTest, ada: Person, passkey: Authenticator, question: Question
) -> None:
    options = ada.options(notification_id=question.message_id)
    router.control.SetPasskey(pb.SetPasskeyRequest(person_id=ada.person_id, remove=True))
    ada.allow(question, passkey.get(options))

    assert (ada.passkeys, question.state) == (0, OPEN)
    ada.add(passkey)
    router.control.Unpair(pb.UnpairRequest(id=ada.person_id))
    assert router.read(lambda c: c.execute("SELECT COUNT(*) FROM passkeys").fetchone()) == (0,)


@pytest.mark.usefixtures("passkey")
def test_it_is_in_the_audit(router: RouterUnderTest, ada: Person) -> None:
    router.control.SetPasskey(pb.SetPasskeyRequest(person_id=ada.person_id, remove=True))

    found = router.read(lambda c: c.execute("SELECT event FROM audit_entries WHERE event LIKE 'passkey%'").fetchall())
    assert found == [("passkey_added",), ("passkeys_removed",)]


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "x",
        "[]",
        "{}",
        '{"id": 7}',
        '{"id": "a", "response": []}',
        "[" * 9000,
        '{"id": "a", "response": {"clientDataJSON": "é"}}',
    ],
)
@pytest.mark.usefixtures("passkey")
def test_what_is_no_answer_of_a_browser_breaks_nothing(ada: Person, question: Question, credential: str) -> None:
    ada.options(notification_id=question.message_id)

    ada.allow(question, credential)

    assert question.state == OPEN


@pytest.mark.usefixtures("passkey")
def test_nothing_that_the_router_wants_signed_is_told_twice(ada: Person, question: Question) -> None:
    told_twice = {json.loads(ada.options(notification_id=question.message_id))["challenge"] for _ in range(3)}

    assert len(told_twice) == 3
