"""The router's settings from an environment."""

from pathlib import Path

import pytest

from router.config import RouterConfig, SettingsError, is_loopback

LEAST = {"POINTSMAN_DATA_DIR": "/data"}
CERTIFICATE = {"POINTSMAN_TLS_CERT": "/c.pem", "POINTSMAN_TLS_KEY": "/k.pem"}


def test_a_data_folder_is_enough() -> None:
    config = RouterConfig.from_environ(LEAST)

    assert config.listen == "127.0.0.1:7443"
    assert config.database_path == Path("/data/router.db")
    assert config.tls is None


def test_the_key_is_not_shown_with_the_settings() -> None:
    key = "pmk_secret" + "k" * 40

    assert "secret" not in repr(RouterConfig.from_environ(LEAST | {"POINTSMAN_API_KEY": key}))


def test_a_key_that_can_be_guessed_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError, match="POINTSMAN_API_KEY has 6 characters") as refused:
        RouterConfig.from_environ(LEAST | {"POINTSMAN_API_KEY": "secret"})

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["sqlite:////var/lib/r.db", "sqlite:///var/lib/r.db"])
def test_a_database_elsewhere(url: str) -> None:
    assert RouterConfig.from_environ(LEAST | {"POINTSMAN_DATABASE": url}).database_path == Path("/var/lib/r.db")


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "POINTSMAN_DATA_DIR"),
        (LEAST | {"POINTSMAN_DATABASE": "postgresql://host/db"}, "POINTSMAN_DATABASE"),
        (LEAST | {"POINTSMAN_TLS_CERT": "/c.pem"}, "POINTSMAN_TLS_KEY"),
        (LEAST | {"POINTSMAN_TLS_KEY": "/k.pem"}, "POINTSMAN_TLS_CERT"),
        (LEAST | {"POINTSMAN_TLS_CLIENT_CA": "/ca.pem"}, "POINTSMAN_TLS_CLIENT_CA"),
        (LEAST | {"POINTSMAN_ROUTER_LISTEN": "0.0.0.0:7443"}, "POINTSMAN_ROUTER_LISTEN"),
        (LEAST | {"POINTSMAN_ROUTER_LISTEN": "[::]:7443"}, "POINTSMAN_ROUTER_LISTEN"),
    ],
    ids=["no folder", "database", "half a certificate", "half a key", "clients alone", "open", "open v6"],
)
def test_a_wrong_setting_is_refused_by_name(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        RouterConfig.from_environ(environ)


@pytest.mark.parametrize("way", [CERTIFICATE, {"POINTSMAN_INSECURE_LISTEN": "1"}], ids=["tls", "said so"])
def test_everyone_may_be_listened_to_with_tls_or_when_told_so(way: dict[str, str]) -> None:
    config = RouterConfig.from_environ(LEAST | {"POINTSMAN_ROUTER_LISTEN": "0.0.0.0:7443"} | way)

    assert config.listen == "0.0.0.0:7443"


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1", "unix:/tmp/r.sock"])
def test_loopback(listen: str) -> None:
    assert is_loopback(listen)


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:1", "[::]:1", "192.168.1.2:1", "example.org:1", ":1", "1270.0.0.1:1", "127.evil.example:1"]
)
def test_not_loopback(listen: str) -> None:
    assert not is_loopback(listen)
