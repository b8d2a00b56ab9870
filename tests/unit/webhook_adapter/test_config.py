"""The adapter's settings."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from webhook_adapter.config import NEVER_ALLOWED, AdapterConfig, Address, ConfigError

MINIMAL = {"POINTSMAN_API_KEY": "pmk_key"}
BOT = {
    **MINIMAL,
    "TELEGRAM_BOT_TOKEN": "4711:the-bot_token",
    "TELEGRAM_WEBHOOK_SECRET": "header-secret",
    "TELEGRAM_WEBHOOK_PATH_SECRET": "path-secret",
}


def read(environ: Mapping[str, str], **changes: str) -> AdapterConfig:
    return AdapterConfig.from_environ({**environ, **changes})


def test_only_the_api_key_has_no_default() -> None:
    config = read(MINIMAL)

    assert config.router == "127.0.0.1:7443"
    assert config.listen == Address("127.0.0.1", 8080)
    assert config.public_url is None
    assert config.telegram is None


def test_without_any_key_its_own_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="POINTSMAN_ADAPTER_KEY is missing"):
        read({})


def test_a_bot_comes_with_who_may_use_it() -> None:
    telegram = read(BOT, ALLOWED_CHAT_IDS=" 99, -1001234567890123,99 ", ALLOWED_USER_IDS="7").telegram

    assert telegram is not None
    assert telegram.allowed_chat_ids == (99, -1001234567890123)
    assert telegram.allowed_user_ids == (7,)
    assert telegram.api_base == "https://api.telegram.org"
    assert telegram.bot_id == "4711"
    assert telegram.webhook_path == "/webhook/telegram/path-secret"


def test_nobody_is_allowed_unless_named() -> None:
    telegram = read(BOT).telegram

    assert telegram is not None
    assert telegram.allowed_chat_ids == telegram.allowed_user_ids == ()


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("https://bots.example/prefix/", "https://bots.example/prefix"),
        ("https://bots.example/bot", "https://bots.example"),
    ],
)
def test_the_api_base_may_be_plain_http_and_have_a_prefix(given: str, base: str) -> None:
    telegram = read(BOT, TELEGRAM_API_BASE=given).telegram

    assert telegram is not None
    assert telegram.api_base == base


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POINTSMAN_ADAPTER_KEY", "with blank"),
        ("POINTSMAN_API_KEY", "with blank"),
        ("POINTSMAN_API_KEY", "schlüssel"),
        ("POINTSMAN_ROUTER", "localhost"),
        ("POINTSMAN_ROUTER", "localhost:0"),
        ("POINTSMAN_ROUTER", "localhost:65536"),
        ("POINTSMAN_ROUTER", "https://router:7443"),
        ("POINTSMAN_HTTP_LISTEN", ":8080"),
        ("POINTSMAN_HTTP_LISTEN", "127.0.0.1:http"),
        ("POINTSMAN_PUBLIC_URL", "http://example.org"),
        ("POINTSMAN_PUBLIC_URL", "example.org"),
        ("POINTSMAN_PUBLIC_URL", "https://example.org/?a=b"),
        ("POINTSMAN_PUBLIC_URL", "https://example.org:99999"),
        ("POINTSMAN_TLS_CA", "/nowhere/ca.pem"),
        ("POINTSMAN_TRANSCRIBER", "whisper 'unclosed"),
        ("POINTSMAN_TRANSCRIBER_URL", "ftp://example.org"),
        ("POINTSMAN_EMBEDDINGS_URL", "ftp://example.org"),
        ("POINTSMAN_EMBEDDINGS_URL", "https://key@example.org"),
        ("TELEGRAM_BOT_TOKEN", "no-colon"),
        ("TELEGRAM_WEBHOOK_SECRET", ""),
        ("TELEGRAM_WEBHOOK_SECRET", "with/slash"),
        ("TELEGRAM_WEBHOOK_SECRET", "x" * 257),
        ("TELEGRAM_WEBHOOK_PATH_SECRET", ""),
        ("TELEGRAM_WEBHOOK_PATH_SECRET", "a=b"),
        ("TELEGRAM_API_BASE", "ftp://example.org"),
        ("TELEGRAM_API_BASE", "https://user@example.org"),
        ("ALLOWED_CHAT_IDS", "99,abc"),
        ("ALLOWED_CHAT_IDS", "1.5"),
        ("ALLOWED_CHAT_IDS", "0"),
        ("ALLOWED_USER_IDS", "99 100"),
    ],
)
def test_a_bad_value_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        read(BOT, **{name: value})


@pytest.mark.parametrize("name", ["ALLOWED_CHAT_IDS", "ALLOWED_USER_IDS"])
@pytest.mark.parametrize("stand_in", sorted(NEVER_ALLOWED))
def test_ids_that_anyone_can_write_under_are_never_allowed(name: str, stand_in: int) -> None:
    with pytest.raises(ConfigError, match=rf"{name}.*{stand_in}"):
        read(BOT, **{name: f"99,{stand_in}"})


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    certificate = tmp_path / "cert.pem"
    certificate.write_text("certificate")

    with pytest.raises(ConfigError, match="POINTSMAN_TLS_KEY"):
        read(MINIMAL, POINTSMAN_TLS_CERT=str(certificate))


@pytest.mark.parametrize("seconds", ["0", "601", "soon"])
def test_a_recording_may_take_ten_minutes_at_most(seconds: str) -> None:
    with pytest.raises(ConfigError, match="POINTSMAN_TRANSCRIBER_SECONDS"):
        read(MINIMAL, POINTSMAN_TRANSCRIBER="whisper", POINTSMAN_TRANSCRIBER_SECONDS=seconds)


def test_what_turns_recordings_into_text_is_a_command_or_an_endpoint_whose_key_is_a_secret() -> None:
    endpoint = {"POINTSMAN_TRANSCRIBER_URL": "https://stt.example/v1", "POINTSMAN_TRANSCRIBER_KEY": "sk-1"}
    command, asked = read(MINIMAL, POINTSMAN_TRANSCRIBER="'my whisper' -m base"), read(MINIMAL, **endpoint)

    assert read(MINIMAL).transcriber is None
    assert command.transcriber is not None
    assert (command.transcriber.command, command.transcriber.seconds) == (("my whisper", "-m", "base"), 60)
    assert "sk-1" in asked.secrets
    assert "sk-1" not in repr(asked)
    with pytest.raises(ConfigError, match="both given"):
        read(MINIMAL, POINTSMAN_TRANSCRIBER="whisper", **endpoint)


@pytest.mark.parametrize("bad", ["POINTSMAN_API_KEY", "TELEGRAM_BOT_TOKEN", "TELEGRAM_WEBHOOK_SECRET"])
def test_a_refused_secret_is_not_shown(bad: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(BOT, **{bad: "hush hush"})

    assert "hush" not in str(refused.value)


def test_what_says_what_notes_mean_is_an_endpoint_whose_key_is_a_secret() -> None:
    endpoint = {"POINTSMAN_EMBEDDINGS_URL": "https://ai.example/v1/embeddings", "POINTSMAN_EMBEDDINGS_KEY": "sk-1"}
    asked = read(MINIMAL, **endpoint)

    assert read(MINIMAL, POINTSMAN_EMBEDDINGS_KEY="sk-1").embeddings is None
    assert asked.embeddings is not None
    assert asked.embeddings.url == endpoint["POINTSMAN_EMBEDDINGS_URL"]
    assert "sk-1" in asked.secrets
    assert "sk-1" not in repr(asked)
    with pytest.raises(ConfigError, match="POINTSMAN_EMBEDDINGS_KEY"):
        read(MINIMAL, **endpoint | {"POINTSMAN_EMBEDDINGS_KEY": "two words"})


def test_secrets_are_known_and_not_shown() -> None:
    config = read(BOT)

    assert set(config.secrets) == {"pmk_key", "4711:the-bot_token", "header-secret", "path-secret"}
    assert not [secret for secret in config.secrets if secret in repr(config)]


def test_the_router_may_be_reached_by_its_socket() -> None:
    config = read(MINIMAL, POINTSMAN_ROUTER="unix:/srv/router.sock")

    assert config.router == "unix:/srv/router.sock"
    assert config.router_address.is_loopback


@pytest.mark.parametrize(
    ("value", "address", "is_loopback"),
    [
        ("127.0.0.1:0", Address("127.0.0.1", 0), True),
        ("[::1]:8080", Address("::1", 8080), True),
        ("0.0.0.0:80", Address("0.0.0.0", 80), False),
        ("127.evil.example:80", Address("127.evil.example", 80), False),
    ],
)
def test_listen_addresses(value: str, address: Address, is_loopback: bool) -> None:
    listen = read(MINIMAL, POINTSMAN_HTTP_LISTEN=value, POINTSMAN_HTTP_PLAIN="1").listen

    assert listen == address
    assert listen.is_loopback == is_loopback
    assert str(listen) == value


@pytest.mark.parametrize("value", ["0.0.0.0:80", "[::]:80", "10.77.0.1:80", "127.evil.example:80"])
@pytest.mark.parametrize("plain", ["", "0", "yes"])
def test_beyond_loopback_plain_http_must_be_asked_for(value: str, plain: str) -> None:
    with pytest.raises(ConfigError, match="POINTSMAN_HTTP_PLAIN=1"):
        read(MINIMAL, POINTSMAN_HTTP_LISTEN=value, POINTSMAN_HTTP_PLAIN=plain)
