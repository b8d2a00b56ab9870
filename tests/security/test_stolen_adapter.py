"""Somebody has the adapter's account: what each program is given decides what they have."""

from pathlib import Path

import pytest

from pointsman.config import child_environment, resolve
from pointsman.settings import SETTINGS, Program
from webhook_adapter.config import AdapterConfig

SECRETS = {setting.name: f"{setting.key}-that-is-long-enough" for setting in SETTINGS if setting.secret}
SECRETS["TELEGRAM_BOT_TOKEN"] = "4711:a-token"
WEBHOOK = {"TELEGRAM_BOT_TOKEN", "TELEGRAM_WEBHOOK_SECRET", "TELEGRAM_WEBHOOK_PATH_SECRET"}
MAIL = {"POINTSMAN_MAIL_PASSWORD", "POINTSMAN_MAIL_TOKEN_KEY"}

HOLDS = {
    Program.ROUTER: {"POINTSMAN_API_KEY", "POINTSMAN_ADAPTER_KEY"},
    Program.AGENT: {"POINTSMAN_MODEL_KEY"},
    Program.ADAPTER_HTTP: {"POINTSMAN_ADAPTER_KEY", *WEBHOOK},
    Program.COURIER: {
        "POINTSMAN_ADAPTER_KEY",
        "POINTSMAN_TRANSCRIBER_KEY",
        "POINTSMAN_EMBEDDINGS_KEY",
        *MAIL,
        *WEBHOOK,
    },
}


@pytest.mark.parametrize("program", Program)
def test_each_program_is_given_its_own_secrets_and_no_other(data_dir: Path, program: Program) -> None:
    settings = resolve({}, {"POINTSMAN_DATA_DIR": str(data_dir), **SECRETS})

    given = child_environment(settings, program)

    assert {name for name, secret in SECRETS.items() if secret in given.values()} == HOLDS[program]


def test_the_adapter_shows_none_of_them_when_it_is_printed(data_dir: Path) -> None:
    settings = resolve({}, {"POINTSMAN_DATA_DIR": str(data_dir), **SECRETS})
    config = AdapterConfig.from_environ(child_environment(settings, Program.ADAPTER_HTTP))

    assert [name for name, secret in SECRETS.items() if secret in repr(config)] == []
