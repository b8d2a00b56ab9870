"""Settings."""

from pathlib import Path

import pytest

from agent.config import Config, Model, Tls
from agent.domain.errors import ConfigError


def test_everything_has_a_default_but_a_home() -> None:
    config = Config.from_environ({"HOME": "/home-of-ann"})

    assert config == Config(Path("/home-of-ann/.local/share/pointsman"), "", Tls(), (), Path("/home-of-ann"), 32)
    assert config.folder == Path("/home-of-ann/.local/share/pointsman/agent")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"POINTSMAN_DATA_DIR": "/data", "XDG_DATA_HOME": "/xdg", "HOME": "/h"}, "/data"),
        ({"XDG_DATA_HOME": "/xdg", "HOME": "/h"}, "/xdg/pointsman"),
    ],
)
def test_the_nearer_setting_wins(environ: dict[str, str], expected: str) -> None:
    assert Config.from_environ(environ).data_dir == Path(expected)


def test_folders_may_begin_at_home() -> None:
    config = Config.from_environ(
        {
            "HOME": "/h",
            "POINTSMAN_START_FOLDERS": "~/src, /srv/x,,~",
            "POINTSMAN_TRUSTED_FOLDERS": "~/src/mine",
            "POINTSMAN_MAX_SESSIONS": "4",
            "POINTSMAN_WAIT_MINUTES": "5",
        }
    )

    assert config.start_folders == (Path("/h/src"), Path("/srv/x"), Path("/h"))
    assert config.trusted_folders == (Path("/h/src/mine"),)
    assert (config.max_sessions, config.wait_minutes) == (4, 5)


MODEL = {
    "HOME": "/h",
    "POINTSMAN_MODEL_URL": "https://api.example/v1",
    "POINTSMAN_MODEL": "m-1",
    "POINTSMAN_MODEL_KEY": "k-owner",
}


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "POINTSMAN_DATA_DIR"),
        ({"HOME": "/h", "POINTSMAN_ROUTER": "host"}, "POINTSMAN_ROUTER"),
        ({"HOME": "/h", "POINTSMAN_ROUTER": ":7443"}, "POINTSMAN_ROUTER"),
        ({"HOME": "/h", "POINTSMAN_ROUTER": "host:0"}, "POINTSMAN_ROUTER"),
        ({"HOME": "/h", "POINTSMAN_ROUTER": "host:https"}, "POINTSMAN_ROUTER"),
        ({"HOME": "/h", "POINTSMAN_TLS_CA": "/no/such/file"}, "POINTSMAN_TLS_CA"),
        ({"HOME": "/h", "POINTSMAN_START_FOLDERS": "/srv,src"}, "POINTSMAN_START_FOLDERS"),
        ({"HOME": "/h", "POINTSMAN_TRUSTED_FOLDERS": "src"}, "POINTSMAN_TRUSTED_FOLDERS"),
        ({"HOME": "/h", "POINTSMAN_MASKS": "/no/such/file"}, "POINTSMAN_MASKS"),
        ({**MODEL, "POINTSMAN_MODEL": ""}, "POINTSMAN_MODEL is not"),
        ({**MODEL, "POINTSMAN_MODEL_URL": "api.example"}, "POINTSMAN_MODEL_URL"),
        ({**MODEL, "POINTSMAN_MODEL_URL": "https://user:pw@api.example"}, "POINTSMAN_MODEL_URL"),
        ({**MODEL, "POINTSMAN_MODEL_URL": "ftp://api.example"}, "POINTSMAN_MODEL_URL"),
        ({**MODEL, "POINTSMAN_MODEL_URL": "https://api.example/a\nb"}, "POINTSMAN_MODEL_URL"),
        ({**MODEL, "POINTSMAN_MODEL_URL": "http://api.example"}, "use https"),
        ({**MODEL, "POINTSMAN_MODEL_URL": "http://127.0.0.1.example"}, "use https"),
        ({**MODEL, "POINTSMAN_MODEL_API": "other"}, "POINTSMAN_MODEL_API"),
        ({**MODEL, "POINTSMAN_MODEL_KEY": "two words"}, "POINTSMAN_MODEL_KEY"),
        ({"HOME": "/h", "POINTSMAN_MAX_SESSIONS": "0"}, "POINTSMAN_MAX_SESSIONS"),
        ({"HOME": "/h", "POINTSMAN_MAX_SESSIONS": "many"}, "POINTSMAN_MAX_SESSIONS"),
        ({"HOME": "/h", "POINTSMAN_WAIT_MINUTES": "0"}, "POINTSMAN_WAIT_MINUTES"),
    ],
)
def test_a_bad_setting_is_refused_by_name(environ: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Config.from_environ(environ)


def test_a_model_is_one_that_the_owner_names() -> None:
    none = Config.from_environ({"HOME": "/h", "POINTSMAN_MODEL": "m-1", "POINTSMAN_MODEL_KEY": "k-owner"})
    model = Config.from_environ(MODEL).model
    claude = Config.from_environ({"HOME": "/h", "POINTSMAN_MODEL_URL": "claude"})

    assert none.model is None
    assert model == Model("https://api.example/v1", "m-1", "openai", "k-owner")
    assert "k-owner" not in repr(Config.from_environ(MODEL))
    assert claude.model == Model("claude", "haiku", "claude")


@pytest.mark.parametrize(
    ("url", "key", "api"),
    [
        ("https://api.anthropic.com", "k", "anthropic"),
        ("https://anthropic.com.example", "k", "openai"),
        ("http://localhost:11434/v1", "k", "openai"),
        ("http://[::1]:8000", "k", "openai"),
        ("http://ollama:11434/v1", "", "openai"),  # there is nothing to be read on the way but the talk itself
    ],
)
def test_what_a_model_speaks_is_known_by_its_host(url: str, key: str, api: str) -> None:
    model = Config.from_environ({**MODEL, "POINTSMAN_MODEL_URL": url, "POINTSMAN_MODEL_KEY": key}).model

    assert model is not None
    assert model.api == api


def test_masks_are_read_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "masks"
    file.write_text("# ours\n\nhouse key = HOUSE-[0-9]{6}\ndoor = a = b\n")

    config = Config.from_environ({"HOME": "/h", "POINTSMAN_MASKS": str(file)})

    assert config.masks == (("house key", "HOUSE-[0-9]{6}"), ("door", "a = b"))


@pytest.mark.parametrize("line", ["no pattern", "broken = (", "all = .*", " = x"])
def test_a_mask_that_is_none_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "masks"
    file.write_text(line)

    with pytest.raises(ConfigError, match="POINTSMAN_MASKS"):
        Config.from_environ({"HOME": "/h", "POINTSMAN_MASKS": str(file)})


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    cert = tmp_path / "cert.pem"
    cert.touch()

    with pytest.raises(ConfigError, match="POINTSMAN_TLS_KEY"):
        Config.from_environ({"HOME": "/h", "POINTSMAN_TLS_CERT": str(cert)})


@pytest.mark.parametrize("address", ["[::1]:7443", "unix:/srv/router.sock"])
def test_an_address_with_a_port_and_a_socket_are_taken(address: str) -> None:
    assert Config.from_environ({"HOME": "/h", "POINTSMAN_ROUTER": address}).router == address
