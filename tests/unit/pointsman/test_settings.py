"""Showing settings without showing secrets."""

import pytest

from pointsman.settings import BY_NAME, masked


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("POINTSMAN_API_KEY", "pmk_verysecret", "********"),
        ("TELEGRAM_BOT_TOKEN", "1:abc", "********"),
        ("TELEGRAM_BOT_TOKEN", "", ""),
        ("TELEGRAM_API_BASE", "http://me:hunter2@host/x", "http://********@host/x"),
        ("POINTSMAN_DATABASE", "sqlite:///data/router.db", "sqlite:///data/router.db"),
        ("POINTSMAN_HTTP_LISTEN", "127.0.0.1:8080", "127.0.0.1:8080"),
    ],
)
def test_secrets_are_masked_and_the_rest_is_shown(name: str, value: str, shown: str) -> None:
    assert masked(BY_NAME[name], value) == shown


@pytest.mark.parametrize("name", [name for name in BY_NAME if name.endswith(("_KEY", "_TOKEN", "_SECRET"))])
def test_whatever_is_called_a_secret_is_one(name: str) -> None:
    assert BY_NAME[name].secret is (name != "POINTSMAN_TLS_KEY")  # that one is the name of a file
