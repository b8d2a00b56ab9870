"""What looks like a secret does not leave the machine; what only speaks of one does."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.domain.masks import SHIPPED, Masks

# In parts, so that whoever looks for leaked secrets finds none here.
SECRETS = {
    "a model's key": "sk-" + "ant-api03-" + "a1B2" * 8,
    "a GitHub App's token": "ghs" + "_123456_" + "a1B2_-" * 9 + "." + "a1B2" * 40 + ".a1B2" * 9,
    "a GitHub token": "ghp" + "_" + "a1B2" * 9,
    "a fine-grained GitHub token": "github" + "_pat_" + "a1B2" * 9,
    "a GitLab token": "glpat" + "-" + "a1B2" * 6,
    "an AWS key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "a Google key": "AIza" + "a1B2-" * 7,
    "a Slack token": "xoxb" + "-1234567890-abcdef",
    "a bot's token": "123456789" + ":" + "a1B2_" * 7,
    "a payment key": "sk" + "_live_" + "a1B2" * 6,
    "our own key": "pmk" + "_" + "a1B2" * 10,
    "a signed token": "eyJhbGciOiJFZERTQSJ9" + "." + "eyJzdWIiOiJkZXZib3gifQ" + "." + "a1B2c3D4e5",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nAAAA\n-----END RSA PRIVATE KEY-----",
    "half a private key": "-----BEGIN PRIVATE KEY-----\nMIIE\nAAAA",
    "a private key in JSON": r"-----BEGIN OPENSSH PRIVATE KEY-----\nMIIE\n-----END OPENSSH PRIVATE KEY-----",
}
NAMED = {
    "in a shell": ("export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI/K7MDENG"),
    "in JSON": ('{"password": "hunter2hunter2"}', "hunter2hunter2"),
    "in JSON inside of JSON": (r'{"command": "echo {\"api_key\": \"abc12345678\"}"}', "abc12345678"),
    "in YAML": ("db_password: correct-horse-1", "correct-horse-1"),
    "in a header": ("Authorization: Bearer abcdefghij0123456789", "abcdefghij0123456789"),
    "in an address": ("postgres://admin:s3cret@db.example.org/main", "s3cret"),
}
HARMLESS = [
    "token: string",
    "password = get_password()",
    "The password is asked for at the prompt.",
    "sk-short",
    "https://example.org/a:b/c@d",
    "commit 3f2a9c81d0b44e5f8a6c7d9e0f1a2b3c4d5e6f70",
    "basic auth",
    "12:30:45",
]


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_masked_wherever_it_stands(secret: str) -> None:
    shown = Masks()(f"before {secret} after")

    assert secret not in shown
    assert "A1B2" not in shown.upper()
    assert "MIIE" not in shown
    assert shown.startswith("before [")


@pytest.mark.parametrize(("text", "secret"), NAMED.values(), ids=NAMED)
def test_what_is_called_a_secret_is_masked(text: str, secret: str) -> None:
    assert secret not in Masks()(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_speaks_of_one_can_be_read(text: str) -> None:
    assert Masks()(text) == text


def test_rules_can_be_added() -> None:
    masks = Masks([("house key", r"\bHOUSE-[0-9]{6}\b")])

    assert masks("it is HOUSE-123456.") == "it is [house key]."


def test_a_rule_that_is_none_is_named() -> None:
    with pytest.raises(re.error):
        Masks([("broken", "(")])


@pytest.mark.parametrize("text", ["a" * 200_000, "password=" * 20_000, "://" + "a:" * 50_000, "-----BEGIN " * 10_000])
def test_a_long_text_takes_no_longer_than_its_length(text: str) -> None:
    """One that takes its length squared would hold the agent up for minutes, and this test with it."""
    assert Masks()(text)


# What stands before and behind a secret is none of what is found: it is made with it.
AROUND = {"(?<=://)": "://", "(?=@)": "@"}


@pytest.mark.parametrize("pattern", [pattern for _, pattern in SHIPPED])
@given(data=st.data())
@settings(max_examples=50, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_whatever_a_rule_finds_it_is_asked_for(pattern: str, data: st.DataObject) -> None:
    for around, text in AROUND.items():
        pattern = pattern.replace(around, text)
    found = data.draw(st.from_regex(re.compile(pattern, re.DOTALL)))

    assert Masks()(found) != found


@pytest.mark.parametrize(
    "text", ["pa\u017f\u017fword: hunter22", "ba\u017f\u0131c dXNlcjpwYXNzd29yZA==", "API_\u212aEY=abcdefg1"]
)
def test_a_letter_that_passes_for_another_hides_none(text: str) -> None:
    assert Masks()(text) != text
