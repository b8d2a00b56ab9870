"""Secrets from files: one rule for all of them."""

from pathlib import Path

import pytest

from pointsman.config import BadSettings, Settings, child_environment, resolve, unknown_names
from pointsman.settings import BY_NAME, SETTINGS, Program, Source

SECRETS = [setting for setting in SETTINGS if setting.secret]
VALUE = "a-secret-of-a-file-that-is-long-enough"
VALUES = {setting.name: VALUE for setting in SECRETS} | {"TELEGRAM_BOT_TOKEN": f"4711:{VALUE}"}
each = pytest.mark.parametrize("name", [setting.name for setting in SECRETS])


def settings(data_dir: Path, **environ: str) -> Settings:
    return resolve({}, {"POINTSMAN_DATA_DIR": str(data_dir), **environ})


@each
def test_every_secret_is_read_from_the_file_that_is_named(data_dir: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "held").write_text(VALUES[name] + "\n")

    found = settings(data_dir, **{f"{name}_FILE": str(tmp_path / "held")}).values[name]

    assert (found.text, found.source) == (VALUES[name], Source.CREDENTIAL)


@each
def test_every_secret_is_found_among_the_credentials_of_a_unit(data_dir: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / BY_NAME[name].key).write_text(VALUES[name])

    assert settings(data_dir, CREDENTIALS_DIRECTORY=str(tmp_path))[name] == VALUES[name]


def test_a_unit_with_other_credentials_is_no_mistake(data_dir: Path, tmp_path: Path) -> None:
    assert settings(data_dir, CREDENTIALS_DIRECTORY=str(tmp_path))["TELEGRAM_BOT_TOKEN"] == ""


def test_a_file_is_weaker_than_the_environment_and_stronger_than_pointsman_toml(data_dir: Path, tmp_path: Path) -> None:
    (data_dir / "pointsman.toml").write_text(f'api_key = "{"t" * 43}"')
    (tmp_path / "held").write_text(VALUE)
    named = {"POINTSMAN_API_KEY_FILE": str(tmp_path / "held")}

    assert settings(data_dir, **named)["POINTSMAN_API_KEY"] == VALUE
    assert settings(data_dir, POINTSMAN_API_KEY="e" * 43, **named)["POINTSMAN_API_KEY"] == "e" * 43


NO_SECRET = {"none": None, "empty": b"", "blank": b" \n", "binary": b"\xff" * 30, "long": b"x" * 5000}


@pytest.mark.parametrize("content", NO_SECRET.values(), ids=NO_SECRET)
def test_a_file_without_a_secret_is_refused_by_its_name(data_dir: Path, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "held").write_bytes(content)

    with pytest.raises(BadSettings) as refused:
        settings(data_dir, TELEGRAM_BOT_TOKEN_FILE=str(tmp_path / "held"))

    [problem] = refused.value.problems
    assert str(tmp_path / "held") in problem
    assert "TELEGRAM_BOT_TOKEN" in problem
    assert "xxxx" not in problem


def test_a_bad_secret_is_refused_with_the_place_and_without_itself(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "held").write_text("two words")

    with pytest.raises(BadSettings, match="TELEGRAM_BOT_TOKEN_FILE") as refused:
        settings(data_dir, TELEGRAM_BOT_TOKEN_FILE=str(tmp_path / "held"))

    assert "two words" not in str(refused.value)


def test_a_program_gets_the_secrets_that_it_may_read_and_no_way_to_the_others(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "api_key").write_text(VALUE)
    (tmp_path / "telegram_bot_token").write_text(VALUES["TELEGRAM_BOT_TOKEN"])
    here = settings(data_dir, CREDENTIALS_DIRECTORY=str(tmp_path), POINTSMAN_API_KEY_FILE=str(tmp_path / "api_key"))

    router, agent = (child_environment(here, program) for program in (Program.ROUTER, Program.AGENT))

    assert router["POINTSMAN_API_KEY"] == VALUE
    for environ in (router, agent):
        assert "TELEGRAM_BOT_TOKEN" not in environ
        assert str(tmp_path) not in environ.values()
    assert VALUE not in agent.values()


def test_their_names_are_known() -> None:
    assert unknown_names({"POINTSMAN_API_KEY_FILE": "/x"}) == []
    assert unknown_names({"POINTSMAN_ROUTER_FILE": "/x"}) == ["POINTSMAN_ROUTER_FILE"]
