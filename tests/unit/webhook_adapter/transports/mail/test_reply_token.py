"""The token in a reply address: to whom, about what, until when."""

import uuid

import pytest

from webhook_adapter.transports.mail.reply_token import LIFETIME_DAYS, Claim, ReplyTokens

DAY, NOW = 86_400.0, 1_790_000_000.0
ABOUT = str(uuid.UUID(int=7))
TOKENS = ReplyTokens(b"k" * 43, "pointsman@example.org")
ADDRESS = TOKENS.address(ABOUT, "ada@example.org", NOW)


def test_who_was_written_to_proves_what_they_answer() -> None:
    assert TOKENS.read(ADDRESS, "ada@example.org", NOW) == Claim(ABOUT)


def test_it_stands_in_an_address_that_every_server_takes() -> None:
    local, _, domain = ADDRESS.partition("@")

    assert (len(local) <= 64, domain, local.split("+")[0]) == (True, "example.org", "pointsman")
    assert ReplyTokens(b"k", "n" * 18 + "@h.org").address(ABOUT, "a@b", NOW).index("@") == 64


def test_servers_may_change_the_case_of_letters() -> None:
    assert TOKENS.read(ADDRESS.upper(), "Ada@Example.org", NOW) == Claim(ABOUT)


@pytest.mark.parametrize(
    ("address", "person"),
    [
        (ADDRESS, "eva@example.org"),
        (ADDRESS.replace("example.org", "example.com"), "ada@example.org"),
        (ADDRESS.replace("+", "+a"), "ada@example.org"),
        ("pointsman@example.org", "ada@example.org"),
        ("pointsman+@example.org", "ada@example.org"),
        ("pointsman+" + "a" * 45 + "@example.org", "ada@example.org"),
        ("", ""),
    ],
    ids=["somebody else's", "another host", "longer", "none", "empty", "made up", "nothing"],
)
def test_it_proves_nothing_for(address: str, person: str) -> None:
    assert TOKENS.read(address, person, NOW) is None


@pytest.mark.parametrize("at", range(10, 54))
def test_no_letter_of_it_can_be_another(at: int) -> None:
    forged = ADDRESS[:at] + ("a" if ADDRESS[at] != "a" else "b") + ADDRESS[at + 1 :]

    assert TOKENS.read(forged, "ada@example.org", NOW) is None


def test_another_key_makes_other_tokens() -> None:
    assert ReplyTokens(b"x" * 43, "pointsman@example.org").read(ADDRESS, "ada@example.org", NOW) is None


@pytest.mark.parametrize(("days", "over"), [(LIFETIME_DAYS, False), (LIFETIME_DAYS + 1, True)])
def test_it_is_over_after_a_month_and_still_proves_whose_it_was(days: int, over: bool) -> None:
    assert TOKENS.read(ADDRESS, "ada@example.org", NOW + days * DAY) == Claim(ABOUT, is_over=over)


def test_an_id_that_is_no_uuid_has_one_of_its_own() -> None:
    address = TOKENS.address("m1:17", "ada@example.org", NOW)

    assert TOKENS.read(address, "ada@example.org", NOW) == Claim(str(uuid.uuid5(uuid.NAMESPACE_URL, "m1:17")))
